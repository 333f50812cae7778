// One source of samples in several shapes.
#include <doctest/doctest.h>

#include <ditharos/data/datasets/dataset.h>
#include <ditharos/data/datasets/sources_by_shape.h>
#include <ditharos/tensor/factory.h>
#include "tests/support/data_files.h"

using namespace ditharos;
using data::Dataset;
using data::SampleShape;
using data::SourcesByShape;
using tests::contains;
using tests::message_of;

namespace {

using Sources = std::vector<std::shared_ptr<const data::DataSource>>;

std::shared_ptr<const Dataset> images(int64_t count, int64_t height, int64_t width, int value, int64_t channels = 3,
                                      const std::vector<std::string>& classes = {"bag", "boot"}) {
  std::vector<int64_t> labels(size_t(count), 0);
  labels.back() = 1;
  return std::make_shared<Dataset>(full({count, channels, height, width}, value, DType::u8), from_vector(labels),
                                   classes);
}

/// A source that is rendered in any shape.
struct AnyShape : data::DataSource {
  int64_t size() const override { return 2; }
  Tensor sample(int64_t, const SampleShape& s) const override { return full({1, 3, s.height, s.width}, 0, DType::u8); }
  uint32_t checksum() const override { return 1; }
};

}  // namespace

TEST_CASE("sources by shape: each shape is read from its own source") {
  const auto large = images(3, 8, 8, 200), wide = images(3, 4, 6, 100);
  const SourcesByShape both({large, wide});
  CHECK(both.size() == 3);
  CHECK(both.sample(1, {1, 8, 8}).data<uint8_t>()[0] == 200);
  CHECK(both.sample(1, {1, 4, 6}).data<uint8_t>()[0] == 100);
  CHECK(both.stored_sample(2, {1, 4, 6}) == wide->image(2));
  CHECK(both.class_names() == large->class_names());
  CHECK(both.label(2) == 1);
  CHECK(both.caption(2) == "boot");
  CHECK(both.channels() == 3);
  CHECK(both.dtype() == DType::u8);
  CHECK_FALSE(both.native_shape().has_value());
  CHECK(SourcesByShape({wide}).native_shape() == SampleShape{1, 4, 6});
  CHECK(both.checksum() == SourcesByShape({large, wide}).checksum());
  CHECK(both.checksum() != SourcesByShape({large, images(3, 4, 6, 101)}).checksum());
  CHECK(both.checksum() != SourcesByShape({large}).checksum());
  CHECK(message_of<ShapeError>([&] { static_cast<void>(both.sample(0, {2, 4, 6})); }) ==
        "[SourcesByShape] the samples are 1x8x8, 1x4x6 and cannot be read as 2x4x6");
}

TEST_CASE("sources by shape: sources of other samples are refused") {
  const auto refused = [](const Sources& sources) { return message_of<ConfigError>([&] { SourcesByShape{sources}; }); };
  const auto first = images(3, 8, 8, 0);
  CHECK(refused({}) == "[SourcesByShape] there is no source");
  CHECK(refused({first, std::make_shared<AnyShape>()}) == "[SourcesByShape] source 1 has no native shape");
  CHECK(refused({first, images(3, 8, 8, 1)}) == "[SourcesByShape] sources 0 and 1 both have samples of 1x8x8");
  CHECK(refused({first, images(4, 4, 4, 0)}) == "[SourcesByShape] source 0 has 3 samples, and source 1 has 4");
  CHECK(contains(refused({first, images(3, 4, 4, 0, 1)}), "of 3 channels, and those of source 1 are u8 of 1"));
  CHECK(contains(refused({first, images(3, 4, 4, 0, 3, {"bag", "hat"})}), "has other class names than source 0"));
}
