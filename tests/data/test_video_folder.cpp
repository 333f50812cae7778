#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include <ditharos/data/codecs/video/video_file.h>
#include <ditharos/data/datasets/clips/open_clips.h>
#include <ditharos/data/datasets/clips/video_folder.h>
#include <ditharos/data/image/resize.h>
#include <ditharos/data/loading/loader.h>
#include <ditharos/tensor/factory.h>
#include "tests/support/data_files.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/video_clips.h"

using namespace ditharos;
using namespace ditharos::tests;
using data::Split;
using data::VideoFolder;

namespace fs = std::filesystem;

namespace {

/// Frame f has the value first + f everywhere.
Tensor counting_clip(int64_t frames, int first, int64_t height = 4, int64_t width = 4) {
  Tensor clip({frames, 3, height, width}, DType::u8);
  const int64_t size = 3 * height * width;
  for (int64_t i = 0; i < clip.numel(); ++i) clip.mutable_data<uint8_t>()[i] = static_cast<uint8_t>(first + i / size);
  return clip;
}
/// The first byte of each frame.
std::vector<int> values(const Tensor& frames) {
  std::vector<int> list;
  for (int64_t f = 0; f < frames.size(0); ++f)
    list.push_back(frames.data<uint8_t>()[f * frames.numel() / frames.size(0)]);
  return list;
}
std::string refusal(const std::string& directory, const data::VideoFolderOptions& options = {}) {
  return message_of<Error>([&] { VideoFolder folder(directory, options); });
}
using Values = std::vector<int>;

}  // namespace

TEST_CASE("video_folder: a line is a clip, of any format") {
  const TemporaryFolder folder;
  fs::create_directory(folder / "deep");
  data::write_clip(folder / "a.gif", counting_clip(3, 10), 8);
  data::write_clip(folder / "deep/b.webp", counting_clip(3, 20), 8);
  data::write_clip(folder / "c", counting_clip(3, 30), 8);
  data::write_clip(folder / "unlisted.gif", counting_clip(3, 40), 8);
  write_bytes(folder / "captions.txt",
              "a.gif\ta red boot\r\n\nc\tthree\tgrays \ndeep/b.webp\tb\n  a.gif \t the boot again\n");
  CHECK(data::is_video_folder(folder.path()));
  const VideoFolder set(folder.path());
  REQUIRE(set.size() == 4);
  CHECK(set.caption(0) == "a red boot");
  CHECK(set.caption(1) == "three\tgrays");
  CHECK(set.caption(3) == "the boot again");
  CHECK(set.path(2) == folder / "deep/b.webp");
  CHECK(values(set.sample(1, {3, 4, 4})) == Values{30, 31, 32});
  CHECK(values(set.sample(3, {3, 4, 4})) == Values{10, 11, 12});
  CHECK(set.skipped().empty());
  CHECK(contains(message_of<Error>([&] { set.caption(4); }), "there is no clip 4, only 0..3"));
  CHECK(contains(message_of<Error>([&] { set.sample(-1, {1, 1, 1}); }), "there is no clip -1"));
  CHECK(contains(message_of<ShapeError>([&] { set.sample(0, {0, 4, 4}); }), "got 0x4x4"));
}

TEST_CASE("video_folder: frames are taken evenly from the whole video, and images from its middle") {
  const TemporaryFolder folder;
  data::write_clip(folder / "a", counting_clip(8, 0), 8);
  data::write_clip(folder / "noise.webp", noise_clip(2, 6, 10), 8);
  write_bytes(folder / "captions.jsonl",
              "{\"file\": \"a\", \"caption\": \"caf\\u00e9\"}\n"
              "{\"caption\": \"noise\", \"by\": \"nobody\", \"file\": \"noise.webp\"}\n");
  const VideoFolder set(folder.path());
  CHECK(set.caption(0) == "caf\xc3\xa9");
  const auto taken = [&](int64_t frames) { return values(set.sample(0, {frames, 4, 4})); };
  CHECK(taken(8) == Values{0, 1, 2, 3, 4, 5, 6, 7});
  CHECK(taken(4) == Values{1, 3, 5, 7});
  CHECK(taken(3) == Values{1, 4, 6});
  CHECK(taken(1) == Values{4});
  CHECK(taken(16) == Values{0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7});
  CHECK(taken(12) == Values{0, 1, 1, 2, 3, 3, 4, 5, 5, 6, 7, 7});

  const Tensor video = noise_clip(2, 6, 10);
  const Tensor small = set.sample(1, {2, 3, 2});
  for (int64_t f = 0; f < 2; ++f)
    CHECK(largest_difference(small.select(0, f), data::center_crop_resize(video.select(0, f), 3, 2)) == 0);
}

TEST_CASE("video_folder: every tenth video is for testing, or there are folders train and test") {
  const TemporaryFolder folder;
  std::string list;
  for (int i = 0; i < 21; ++i) {
    data::write_clip(folder / (std::to_string(i) + ".gif"), counting_clip(1, i), 8);
    list += std::to_string(i) + ".gif\tone\n" + std::to_string(i) + ".gif\ttwo\n";
  }
  write_bytes(folder / "captions.txt", list);
  const VideoFolder train(folder.path()), test(folder.path(), {.split = Split::test});
  CHECK(train.size() == 38);
  REQUIRE(test.size() == 4);
  CHECK(test.path(0) == folder / "9.gif");
  CHECK(test.path(3) == folder / "19.gif");

  const TemporaryFolder split;
  for (const char* part : {"train", "test"}) {
    fs::create_directory(split / part);
    data::write_clip(split / part + "/a.gif", counting_clip(1, part[1]), 8);
    write_bytes(split / part + "/captions.txt", std::string("a.gif\t") + part + "\n");
  }
  CHECK(data::is_video_folder(split.path()));
  CHECK(VideoFolder(split.path()).caption(0) == "train");
  CHECK(VideoFolder(split.path(), {.split = Split::test}).caption(0) == "test");
}

TEST_CASE("video_folder: what is wrong with a list is said with its line") {
  const TemporaryFolder folder;
  data::write_clip(folder / "a.gif", counting_clip(2, 0), 8);
  CHECK_FALSE(data::is_video_folder(folder.path()));
  CHECK_FALSE(data::is_video_folder(folder / "absent"));
  CHECK(contains(refusal(folder.path()), folder.path() + ": it has neither captions.txt nor captions.jsonl"));
  const auto text = [&](const std::string& list) {
    write_bytes(folder / "captions.txt", list);
    return refusal(folder.path());
  };
  CHECK(contains(text("a.gif\tx\n\na.gif x\n"), "captions.txt:3: there is no tab"));
  CHECK(contains(text("a.gif\tx\na.gif\t \n"), "captions.txt:2: there is no tab with a caption"));
  CHECK(contains(text("\tx\n"), "captions.txt:1: it names no file"));
  CHECK(contains(text("../a.gif\tx\n"), "captions.txt:1: the file ../a.gif does not lie in the folder"));
  CHECK(contains(text("/a.gif\tx\n"), "does not lie in the folder"));
  CHECK(contains(text("\n \n"), "captions.txt: it lists no file"));
  CHECK(contains(text("b.gif\tx\n"), "b.gif: No such file"));
  CHECK(contains(text("captions.txt\tx\n"), "captions.txt: its ending is not one of a video"));
  write_bytes(folder / "captions.jsonl", "{}");
  CHECK(contains(text("a.gif\tx\n"), "one of them is enough"));
  fs::remove(folder / "captions.txt");
  const auto json = [&](const std::string& list) {
    write_bytes(folder / "captions.jsonl", list);
    return refusal(folder.path());
  };
  CHECK(json("{\"file\": \"a.gif\", \"caption\": \"x\"}") == "");
  CHECK(contains(json("{\"file\": \"a.gif\", \"caption\": \"x\"}\n{\"file\": 3}\n"),
                 "captions.jsonl:2: the value of \"file\" must be a string"));
  CHECK(contains(json("{\"file\": \"a.gif\"}\n"), "captions.jsonl:1: the caption of a.gif is empty"));
  CHECK(contains(json("{\"caption\": \"a.gif\"}\n"), "captions.jsonl:1: it names no file"));
  for (const char* line : {"{}", "[]", "{\"file\"", "{\"file\": \"a.gif\", \"caption\": \"x\"} {}", "\xff"})
    CHECK(contains(json(line), "captions.jsonl:1: "));
  json("{\"file\": \"a.gif\", \"caption\": \"x\"}");
  CHECK(contains(refusal(folder.path(), {.split = Split::test}), "no video is left for the test split"));
  CHECK(contains(refusal(folder.path(), {.cache_bytes = -1}), "cache_bytes must not be negative"));
}

TEST_CASE("video_folder: damaged videos stop the opening, or are skipped and named") {
  const TemporaryFolder folder;
  data::write_clip(folder / "a.webp", counting_clip(4, 0), 8);
  data::write_clip(folder / "b.webp", noise_clip(4, 8, 8), 8);
  fs::resize_file(folder / "b.webp", fs::file_size(folder / "b.webp") - 10);
  write_bytes(folder / "captions.txt", "b.webp\tb\na.webp\ta\nb.webp\tb again\nc.gif\tc\n");
  CHECK(contains(refusal(folder.path()), "cannot read " + folder / "b.webp" + ": cut off after frame 3"));
  const VideoFolder set(folder.path(), {.skip_damaged = true});
  REQUIRE(set.size() == 1);
  CHECK(set.caption(0) == "a");
  REQUIRE(set.skipped().size() == 2);
  CHECK(contains(set.skipped()[0], "b.webp: cut off after frame 3"));
  CHECK(contains(set.skipped()[1], "c.gif: No such file"));
  write_bytes(folder / "captions.txt", "b.webp\tb\n");
  CHECK(contains(refusal(folder.path(), {.skip_damaged = true}), "every video of the train split is damaged"));
}

TEST_CASE("video_folder: the cache holds what was used last, within its bytes") {
  const TemporaryFolder folder;
  std::string list;
  for (int i = 0; i < 3; ++i) {
    data::write_clip(folder / std::to_string(i), counting_clip(2, 10 * i), 8);  // 96 bytes
    list += std::to_string(i) + "\tcaption\n";
  }
  write_bytes(folder / "captions.txt", list);
  const VideoFolder none(folder.path(), {.cache_bytes = 0}), two(folder.path(), {.cache_bytes = 200});
  const auto first = [](const VideoFolder& set, int64_t i) { return values(set.sample(i, {1, 1, 1}))[0]; };
  for (int i = 0; i < 3; ++i) CHECK(first(none, i) == 10 * i + 1);
  first(two, 0);
  first(two, 1);
  first(two, 2);
  first(two, 1);  // now 2 and 1 are kept
  for (int i = 0; i < 3; ++i) fs::remove_all(folder / std::to_string(i));
  CHECK(first(two, 2) == 21);
  CHECK(first(two, 1) == 11);
  CHECK(contains(message_of<IoError>([&] { first(two, 0); }), "there is no such file"));
  CHECK(contains(message_of<IoError>([&] { first(none, 2); }), "there is no such file"));
}

TEST_CASE("video_folder: many threads get the same clips") {
  const TemporaryFolder folder;
  std::string list;
  for (int i = 0; i < 5; ++i) {
    data::write_clip(folder / (std::to_string(i) + ".gif"), counting_clip(2, 10 * i), 8);
    list += std::to_string(i) + ".gif\tcaption\n";
  }
  write_bytes(folder / "captions.txt", list);
  const VideoFolder set(folder.path(), {.cache_bytes = 200});
  std::vector<int> wrong(4);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int64_t k = 0; k < 40; ++k) {
        const int64_t i = (k * static_cast<int64_t>(t + 1)) % 5;
        wrong[t] += values(set.sample(i, {2, 2, 2})) != Values{int(10 * i), int(10 * i + 1)};
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == std::vector<int>(4));
}

TEST_CASE("video_folder: programs open it by its path, and the loader draws batches of any shape from it") {
  const TemporaryFolder folder;
  data::write_clip(folder / "a.gif", square_clip(8, 20, 30), 8);
  data::write_clip(folder / "b.webp", square_clip(5, 30, 20), 8);
  write_bytes(folder / "captions.txt", "a.gif\ta\nb.webp\tb\n");
  const auto source = data::open_clips(folder.path(), data::ClipUse::training);
  CHECK(source->size() == 2);
  data::Loader loader(source, {.buckets = {{{4, 8, 12}, 3, 1}, {{6, 12, 8}, 3, 1}},
                               .seed = 1,
                               .epoch_end = data::EpochEnd::carry_over,
                               .prefetch = 0});
  for (int k = 0; k < 4; ++k) {
    const data::Batch batch = loader.next();
    CHECK(batch.samples.shape() == Shape{3, batch.shape.frames, 3, batch.shape.height, batch.shape.width});
    for (size_t i = 0; i < 3; ++i) CHECK(batch.captions[i] == source->caption(batch.indices[i]));
  }
  CHECK(contains(message_of<ConfigError>([&] { data::open_clips("nowhere", data::ClipUse::evaluation); }),
                 "data = \"nowhere\": there are no clips called so"));
}
