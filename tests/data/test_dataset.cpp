#include <doctest/doctest.h>

#include <algorithm>

#include <ditharos/data/datasets/open.h>
#include <ditharos/data/image/resize.h>
#include "tests/support/data_files.h"
#include "tests/support/numbered_samples.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::tests;
using data::Dataset;
using data::SampleShape;
using Labels = std::vector<int64_t>;

TEST_CASE("dataset: subsets keep images, labels and names together; invalid arguments are refused") {
  const Dataset set = *numbered_images(6);
  const Dataset part = set.subset({5, 0, 5});
  CHECK(part.labels().to_vector<int64_t>() == Labels{5, 0, 5});
  CHECK(part.image(0)[0] == numbered_byte(5, 0));
  CHECK(part.image(1)[1] == numbered_byte(0, 1));
  CHECK(part.num_classes() == 6);
  CHECK(set.first(2).labels().to_vector<int64_t>() == Labels{0, 1});
  CHECK(set.first(99).size() == 6);
  CHECK(part.indices_of_class(5) == Labels{0, 2});
  CHECK_THROWS_AS(set.subset({6}), Error);
  CHECK_THROWS_AS(set.label(-1), Error);
  CHECK_THROWS_AS(set.indices_of_class(6), Error);
  const Tensor images({2, 1, 1, 1}, DType::u8), labels = set.first(2).labels();
  CHECK_THROWS_AS(Dataset(images, set.labels(), {"a"}), ShapeError);
  CHECK_THROWS_AS(Dataset(Tensor({2, 1, 1, 1}), labels, {"a"}), DTypeError);
  CHECK(contains(message_of<Error>([&] { Dataset(images, labels, {"a"}); }), "image 1 has label 1"));
}

TEST_CASE("dataset: a sample in the native shape is the stored image, without a copy") {
  const auto set = numbered_images(5);
  CHECK(set->native_shape() == SampleShape{1, 4, 6});
  const Tensor image = set->sample(3, {1, 4, 6});
  CHECK(image.shape() == Shape{1, 3, 4, 6});
  CHECK(image.is_contiguous());
  CHECK(image.data<uint8_t>() == set->image(3));
  CHECK(set->stored_sample(3, {1, 4, 6}) == set->image(3));
  CHECK(set->stored_sample(3, {2, 4, 6}) == nullptr);
  CHECK(set->stored_sample(3, {1, 6, 4}) == nullptr);
}

TEST_CASE("dataset: in other shapes images are cropped and averaged, and a clip shows one image in all frames") {
  const auto set = numbered_images(5);
  const Tensor image = set->images().select(0, 2);
  const auto frame = [](const Tensor& clip, int64_t f) { return clip.select(0, f).to_vector<uint8_t>(); };
  CHECK(frame(set->sample(2, {1, 2, 2}), 0) == data::center_crop_resize(image, 2, 2).to_vector<uint8_t>());
  CHECK(frame(set->sample(2, {1, 8, 9}), 0) == data::center_crop_resize(image, 8, 9).to_vector<uint8_t>());
  const Tensor clip = set->sample(2, {3, 4, 6}), small = set->sample(2, {2, 2, 3});
  CHECK(clip.shape() == Shape{3, 3, 4, 6});
  for (int64_t f = 0; f < 3; ++f) CHECK(frame(clip, f) == image.to_vector<uint8_t>());
  for (int64_t f = 0; f < 2; ++f) CHECK(frame(small, f) == data::center_crop_resize(image, 2, 3).to_vector<uint8_t>());
}

TEST_CASE("dataset: the checksum knows every image and label, the caption is the class's name") {
  const auto set = numbered_images(5);
  CHECK(set->checksum() == numbered_images(5)->checksum());
  CHECK(set->checksum() != set->subset({0, 1, 2, 4, 3}).checksum());
  const Tensor other_labels = set->subset({0, 1, 2, 4, 3}).labels();
  CHECK(set->checksum() != Dataset(set->images(), other_labels, set->class_names()).checksum());
  CHECK(set->caption(4) == "class 4");
  CHECK_THROWS_AS(set->caption(5), Error);
}

TEST_CASE("dataset: images may have captions, and no classes") {
  const Dataset set = *numbered_images(3);
  const Dataset captioned(set.images(), {}, {}, {"one", "two", "three"});
  CHECK(captioned.num_classes() == 0);
  CHECK(captioned.caption(1) == "two");
  CHECK_THROWS_AS(captioned.label(0), Error);
  CHECK(captioned.subset({2, 0}).caption(0) == "three");
  CHECK(captioned.checksum() != Dataset(set.images(), {}, {}).checksum());
  CHECK(captioned.checksum() != Dataset(set.images(), {}, {}, {"one", "two", "Three"}).checksum());
  CHECK(Dataset(set.images(), {}, {}).caption(0).empty());
  CHECK_THROWS_AS(Dataset(set.images(), {}, {}, {"one"}), ShapeError);
  CHECK_THROWS_AS(Dataset(set.images(), {}, {"a"}), Error);

  /// The set as a source that holds nothing in memory.
  struct Lazy : data::DataSource {
    explicit Lazy(const Dataset& from) : set(from) {}
    int64_t size() const override { return set.size(); }
    Tensor sample(int64_t i, const SampleShape& shape) const override { return set.sample(i, shape); }
    uint32_t checksum() const override { return 1; }
    std::optional<SampleShape> native_shape() const override { return set.native_shape(); }
    const std::vector<std::string>& class_names() const override { return set.class_names(); }
    int64_t label(int64_t i) const override { return set.label(i); }
    std::string caption(int64_t i) const override { return set.caption(i); }
    Dataset set;
  };
  for (const Dataset& from : {set, captioned}) CHECK(data::read_dataset(Lazy(from)).checksum() == from.checksum());
}

TEST_CASE("open_images: names, and a clear message for anything that is no data set") {
  CHECK(data::open_images("shapes", data::Split::test, {.files = {}, .shapes = {.count = 12}}).source->size() == 12);
  const auto small =
      data::open_images("shapes", data::Split::test, {.files = {.height = 7, .width = 9}, .shapes = {.count = 2}})
          .source;
  CHECK(small->native_shape() == SampleShape{1, 7, 9});
  TemporaryFolder folder;
  const auto refusal = [](const std::string& spec) {
    return message_of<IoError>([&] { data::open_images(spec, data::Split::train); });
  };
  CHECK(contains(refusal(folder / "absent"), folder / "absent" + "': there is no such directory or file"));
  CHECK(contains(refusal(folder.path()), "neither IDX files"));
  CHECK(contains(refusal(""), "''"));
  write_bytes(folder / "file", "x");
  CHECK(contains(refusal(folder / "file"), "not a directory"));
  write_bytes(folder / "train-labels-idx1-ubyte", "x");
  CHECK(contains(refusal(folder.path()), "neither train-images-idx3-ubyte"));
}
