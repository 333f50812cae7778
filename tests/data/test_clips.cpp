// Clips by name, in shapes and batches.
#include <doctest/doctest.h>

#include <fstream>
#include <string>

#include <ditharos/autograd/ops.h>
#include <ditharos/data/codecs/video/video_file.h>
#include <ditharos/data/datasets/clips/clip_shape.h>
#include <ditharos/data/datasets/clips/open_clips.h>
#include <ditharos/data/datasets/dataset.h>
#include <ditharos/data/loading/clip_buckets.h>
#include "tests/support/data_files.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using tests::contains;
using tests::message_of;

TEST_CASE("clips: shapes in text") {
  CHECK(data::parse_clip_shape("8x32x48", "shapes") == data::SampleShape{8, 32, 48});
  for (const char* bad : {"", "8x32", "8x32x48x3", "8x0x4", "axbxc", "8x32x48 ", "-1x2x3", "99999x1x1"})
    CHECK_MESSAGE(contains(message_of<ConfigError>([&] { data::parse_clip_shape(bad, "shapes"); }), "such as 8x32x32"),
                  bad);
  CHECK_EQ(data::parse_frame_size("32x48", "--size").width, 48);
  CHECK(contains(message_of<ConfigError>([] { data::parse_frame_size("32", "--size"); }), "--size: \"32\""));
}

TEST_CASE("clips: buckets hold about as many pixels each") {
  const std::string list = "8x32x32, 16x32x32,4x32x64";
  const std::vector<data::Bucket> buckets = data::clip_buckets(list, {1, 2, 3}, 6);
  REQUIRE_EQ(buckets.size(), 3);
  CHECK_EQ(buckets[0].batch_size, 6);
  CHECK_EQ(buckets[1].batch_size, 3);  // as many pixels
  CHECK_EQ(buckets[2].batch_size, 6);
  CHECK_EQ(buckets[2].weight, 3);
  CHECK_THROWS_AS(data::clip_buckets(list, {1}, 6), ConfigError);
}

TEST_CASE("clips: clips by name, or from a folder") {
  const auto made = data::open_clips("moving-garments", data::ClipUse::training);
  const data::Batch batch = data::clip_batch(*made, {2, 8, 12}, 3, 2);
  CHECK_EQ(batch.samples.shape(), Shape{2, 2, 3, 8, 12});
  CHECK_EQ(batch.captions[1], made->caption(4));
  CHECK(data::open_clips("moving-garments", data::ClipUse::evaluation)->caption(0) != made->caption(0));
  const std::string unknown =
      message_of<ConfigError>([] { data::open_clips("moving-goods", data::ClipUse::training); });
  CHECK_MESSAGE(contains(unknown, "known are \"moving-garments\", \"moving-emoji\""), unknown);

  const tests::TemporaryFolder folder;
  std::string list;
  for (int i = 0; i < 10; ++i) {
    const std::string name = "clip" + std::to_string(i) + ".gif";
    data::write_clip(folder / name, data::to_bytes(select(batch.samples, 0, i % 2)), 8);
    list += name + "\tnumber " + std::to_string(i) + "\n";
  }
  std::ofstream(folder / "captions.txt") << list;
  CHECK_EQ(data::open_clips(folder.path(), data::ClipUse::training)->size(), 9);
  CHECK_EQ(data::open_clips(folder.path(), data::ClipUse::evaluation)->caption(0), "number 9");
}
