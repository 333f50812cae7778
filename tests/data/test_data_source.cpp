// The contract of every source of samples.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>

#include <ditharos/data/codecs/video/video_file.h>
#include <ditharos/data/datasets/clips/video_folder.h>
#include <ditharos/tensor/parallel.h>
#include "tests/support/clip_objects.h"
#include "tests/support/data_files.h"
#include "tests/support/numbered_samples.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/video_clips.h"

using namespace ditharos;
using namespace ditharos::tests;
using data::SampleShape;

namespace {

/// The example of data_source.h.
struct Brightness : data::DataSource {
  int64_t size() const override { return 256; }
  Tensor sample(int64_t i, const SampleShape& shape) const override {
    Tensor clip({shape.frames, channels(), shape.height, shape.width}, DType::u8);
    std::fill_n(clip.mutable_data<uint8_t>(), clip.numel(), static_cast<uint8_t>(i));
    return clip;
  }
  std::string caption(int64_t i) const override { return i < 128 ? "dark" : "bright"; }
  uint32_t checksum() const override { return 1; }
};

/// One that says it has classes and forgets the labels.
struct Unlabelled : Brightness {
  const std::vector<std::string>& class_names() const override {
    static const std::vector<std::string> names = {"dark", "bright"};
    return names;
  }
};

struct Kind {
  const char* name;
  std::shared_ptr<const data::DataSource> source;
  bool has_labels;
};
std::vector<Kind> kinds(const TemporaryFolder& folder) {
  data::write_clip(folder / "a.gif", square_clip(8, 20, 30), 8);
  data::write_clip(folder / "b.webp", square_clip(5, 30, 20), 8);
  write_bytes(folder / "captions.txt", "a.gif\ta\nb.webp\tb\na.gif\tthe first again\n");
  return {{"images", numbered_images(7), true},
          {"gray images", numbered_images(7, 1, 5, 5), true},
          {"video folder", std::make_shared<data::VideoFolder>(folder.path()), false},
          {"moving garments", std::make_shared<data::MovingGarments>(made_clips({.count = 9})), false},
          {"own", std::make_shared<Brightness>(), false}};
}
std::vector<uint8_t> bytes(const Tensor& sample) { return sample.to_vector<uint8_t>(); }

}  // namespace

TEST_CASE("data source: a sample has the requested shape and depends on nothing else") {
  const TemporaryFolder folder;
  for (const Kind& kind : kinds(folder)) {
    CAPTURE(std::string(kind.name));
    const data::DataSource& source = *kind.source;
    std::vector<SampleShape> shapes = {{1, 4, 6}, {3, 8, 5}, {1, 1, 1}};
    if (source.native_shape()) shapes.push_back(*source.native_shape());
    for (const SampleShape& shape : shapes) {
      CAPTURE(to_text(shape));
      std::vector<std::vector<uint8_t>> expected;
      const int64_t count = std::min<int64_t>(source.size(), 9);
      for (int64_t i = 0; i < count; ++i) {
        const Tensor sample = source.sample(i, shape);
        CHECK(sample.shape() == Shape{shape.frames, source.channels(), shape.height, shape.width});
        CHECK(sample.dtype() == DType::u8);
        CHECK(sample.is_contiguous());
        expected.push_back(bytes(sample));
        if (const uint8_t* stored = source.stored_sample(i, shape))
          CHECK(std::equal(expected.back().begin(), expected.back().end(), stored));
      }
      std::vector<int> same(static_cast<size_t>(count));
      parallel_tasks(count, [&](int64_t task) {
        const int64_t i = count - 1 - task;
        same[static_cast<size_t>(i)] = bytes(source.sample(i, shape)) == expected[static_cast<size_t>(i)];
      });
      CHECK(same == std::vector<int>(static_cast<size_t>(count), 1));
    }
  }
}

TEST_CASE("data source: labels and captions, or an error that says there are none") {
  const TemporaryFolder folder;
  for (const Kind& kind : kinds(folder)) {
    CAPTURE(std::string(kind.name));
    const data::DataSource& source = *kind.source;
    CHECK((source.num_classes() > 0) == kind.has_labels);
    CHECK_FALSE(source.caption(0).empty());
    if (kind.has_labels) {
      CHECK(source.caption(1) == source.class_names()[static_cast<size_t>(source.label(1))]);
      CHECK_THROWS_AS(source.label(source.size()), Error);
    } else {
      CHECK(contains(message_of<Error>([&] { source.label(0); }), "sample 0 has no label: its source has no classes"));
    }
  }
  CHECK(contains(message_of<Error>([] { Unlabelled().label(3); }), "does not override label()"));
}

TEST_CASE("data source: no sample of that number, or no such shape") {
  const TemporaryFolder folder;
  for (const Kind& kind : kinds(folder)) {
    if (kind.name == std::string("own")) continue;  // checks nothing
    CAPTURE(std::string(kind.name));
    const data::DataSource& source = *kind.source;
    for (const int64_t i : {int64_t{-1}, source.size()}) {
      CHECK_THROWS_AS(source.sample(i, {1, 4, 4}), Error);
      CHECK_THROWS_AS(source.caption(i), Error);
    }
    for (const SampleShape& shape : {SampleShape{0, 4, 4}, SampleShape{1, 0, 4}, SampleShape{1, 4, -1}})
      CHECK(contains(message_of<ShapeError>([&] { source.sample(0, shape); }), "at least 1, got " + to_text(shape)));
  }
  CHECK(to_text(SampleShape{16, 32, 48}) == "16x32x48");
}
