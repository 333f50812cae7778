#include <doctest/doctest.h>

#include <filesystem>
#include <limits>

#include <ditharos/data/datasets/arrays/array_set.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/io/numpy_file.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include "tests/data/fault_table.h"
#include "tests/support/paths.h"

using namespace ditharos;
using namespace ditharos::tests;

namespace {

std::string golden(const std::string& name) { return source_folder() + "/tests/golden/numpy/" + name; }

/// 0, 1, 2, ... modulo `period`.
Tensor counting(const Shape& shape, DType dtype, int64_t period = 256) {
  Tensor x(shape, DType::i64);
  for (int64_t i = 0; i < x.numel(); ++i) x.mutable_data<int64_t>()[i] = i % period;
  return kernels::to(x, dtype);
}

void write_set(const TemporaryFolder& folder) {
  save_npy(folder / "images.npy", counting({20, 4, 5}, DType::u8));
  save_npy(folder / "labels.npy", counting({20}, DType::i64, 3));
}
data::Opened load(const std::string& path, data::Split split = data::Split::train) {
  return data::load_array_set(path, split);
}
std::string joined(const std::vector<std::string>& notes) {
  std::string text;
  for (const std::string& note : notes) text += note + "\n";
  return text;
}
/// The set of one array of images, and its notes.
data::Opened load_images(const Tensor& images) {
  const TemporaryFolder folder;
  save_npy(folder / "a.npy", images);
  return load(folder / "a.npy");
}
std::string refusal_of(const Tensor& images) {
  return message_of<IoError>([&] { load_images(images); });
}

}  // namespace

TEST_CASE("array_set: a folder of arrays, divided into splits") {
  const TemporaryFolder folder;
  CHECK_FALSE(data::is_array_set(folder.path()));
  write_set(folder);
  CHECK(data::is_array_set(folder.path()));
  const data::Opened train = load(folder.path()), test = load(folder.path(), data::Split::test);
  CHECK(train.dataset.images().shape() == Shape{18, 1, 4, 5});
  CHECK(test.dataset.images().shape() == Shape{2, 1, 4, 5});
  CHECK(test.dataset.image(0)[0] == 9 * 20);
  CHECK(train.dataset.image(9)[0] == 10 * 20);
  CHECK(train.dataset.label(9) == 1);
  CHECK(train.dataset.class_names() == std::vector<std::string>{"0", "1", "2"});
  CHECK(contains(joined(train.notes), "2 of the 20 images in " + folder.path() + ", every 10th, are held out"));
  write_bytes(folder / "classes.txt", "a\nb\nc\n");
  save_npy(folder / "ids.npy", counting({20}, DType::i64));
  CHECK(load(folder.path()).dataset.class_names()[2] == "c");
  CHECK(contains(joined(load(folder.path()).notes), "1 array in " + folder.path() + " is not read: ids"));
}

TEST_CASE("array_set: archives with the names of Keras, of NumPy, and images and labels") {
  for (const std::string name : {"images.npz", "unnamed.npz"}) {
    CAPTURE(name);
    CHECK(data::is_array_set(golden(name)));
    CHECK(load(golden(name)).dataset.size() == 18);
    CHECK(load(golden(name)).dataset.num_classes() == 3);
  }
  CHECK(load(golden("mnist.npz")).dataset.size() == 20);
  CHECK(load(golden("mnist.npz"), data::Split::test).dataset.size() == 5);
  CHECK(load(golden("mnist.npz"), data::Split::test).dataset.label(4) == 1);
}

TEST_CASE("array_set: the axis of size 1 or 3 holds the channels, and what is ambiguous is refused") {
  const Tensor planes = load_images(counting({2, 3, 4, 5}, DType::u8)).dataset.images();
  CHECK(planes.shape() == Shape{2, 3, 4, 5});
  CHECK(planes.data<uint8_t>()[1] == 1);
  const Tensor pixels = load_images(counting({2, 4, 5, 3}, DType::u8)).dataset.images();
  CHECK(pixels.shape() == Shape{2, 3, 4, 5});
  CHECK(pixels.data<uint8_t>()[1] == 3);   // the next pixel's red
  CHECK(pixels.data<uint8_t>()[20] == 1);  // the first pixel's green
  CHECK(load_images(counting({2, 4, 5, 1}, DType::u8)).dataset.images().shape() == Shape{2, 1, 4, 5});
  CHECK(load_images(counting({2, 3, 5}, DType::u8)).dataset.images().shape() == Shape{2, 1, 3, 5});
  CHECK(contains(refusal_of(counting({2, 3, 4, 3}, DType::u8)), "its shape [2, 3, 4, 3] is ambiguous"));
  CHECK(contains(refusal_of(counting({2, 1, 4, 3}, DType::u8)), "is ambiguous"));
  CHECK(contains(refusal_of(counting({4, 5, 3}, DType::u8)),
                 "its shape [4, 5, 3] is ambiguous: a single image of 3 channels"));
  CHECK(contains(refusal_of(counting({2, 4, 5, 4}, DType::u8)), "neither the second nor the last axis has the 1 or 3"));
  CHECK(contains(refusal_of(counting({20, 5}, DType::u8)), "images are [N, H, W], [N, H, W, C] or [N, C, H, W]"));
  CHECK(contains(refusal_of(Tensor({0, 4, 5}, DType::u8)), "which holds no pixels"));
}

TEST_CASE("array_set: numbers of other types become bytes, and a note says how") {
  const auto bytes = [](const data::Opened& set) { return set.dataset.images().to_vector<uint8_t>(); };
  const Tensor raw = counting({1, 4, 64}, DType::u8);
  const std::vector<uint8_t> want = raw.to_vector<uint8_t>();
  CHECK(bytes(load_images(raw)) == want);
  for (const DType dtype : {DType::f16, DType::f32, DType::f64, DType::i32, DType::i64}) {
    CAPTURE(dtype);
    const data::Opened whole = load_images(counting({1, 4, 64}, dtype));
    CHECK(bytes(whole) == want);
    CHECK(contains(joined(whole.notes), "from 0 to 255: they are taken as bytes"));
  }
  Tensor unit({1, 4, 64}), symmetric({1, 4, 64});
  for (int64_t i = 0; i < 256; ++i) {
    unit.mutable_data<float>()[i] = static_cast<float>(i) / 255;
    symmetric.mutable_data<float>()[i] = static_cast<float>(i) / 127.5f - 1;
  }
  CHECK(bytes(load_images(unit)) == want);
  CHECK(contains(joined(load_images(unit).notes), "holds f32 from 0 to 1: 0 becomes black and 1 white"));
  CHECK(bytes(load_images(symmetric)) == want);
  CHECK(contains(joined(load_images(symmetric).notes), "from -1 to 1: -1 becomes black and 1 white"));
  CHECK(bytes(load_images(counting({1, 1, 2}, DType::boolean, 2))) == std::vector<uint8_t>{0, 255});
  unit.mutable_data<float>()[3] = 1.5f;
  CHECK(contains(refusal_of(unit), "images are u8, or floats from 0 to 1, from -1 to 1, or whole numbers"));
  unit.mutable_data<float>()[3] = std::numeric_limits<float>::quiet_NaN();
  CHECK(contains(refusal_of(unit), "element 3 is nan"));
  CHECK(contains(refusal_of(counting({1, 5, 64}, DType::i64, 300)), "holds i64 from 0 to 299; images are u8, or"));
}

TEST_CASE("array_set: images without labels have no classes") {
  const data::Opened set = load_images(counting({30, 4, 5}, DType::u8));
  CHECK(set.dataset.size() == 27);
  CHECK(set.dataset.num_classes() == 0);
  CHECK(contains(joined(set.notes), "has no labels: its images are without classes"));
}

TEST_CASE("array_set: faults, each with its sentence") {
  const TemporaryFolder outside;
  const auto labels = [](auto& f, const Tensor& x) { save_npy(f / "labels.npy", x); };
  const auto with_label_4 = [](int64_t label) {
    const Tensor x = counting({20}, DType::i64);
    x.mutable_data<int64_t>()[4] = label;
    return x;
  };
  const auto rename = [](auto& f, const std::string& from, const std::string& to) {
    std::filesystem::rename(f / (from + ".npy"), f / (to + ".npy"));
  };
  const std::string header = "{'descr': '|u1', 'fortran_order': False, 'shape': (99999999, 9999, 9999), }\n";
  const std::string huge = std::string("\x93NUMPY\1\0", 8) + static_cast<char>(header.size()) + '\0' + header;
  const auto cut = [](auto& f, const char* name) {
    std::filesystem::resize_file(f / name, std::filesystem::file_size(f / name) - 1);
  };
  check_faults(
      {{"cut", [&](auto& f) { cut(f, "images.npy"); }, "images.npy: its header announces sizes [20, 4, 5] of u8, 400"},
       {"empty", [](auto& f) { write_bytes(f / "labels.npy", ""); }, "labels.npy: it is empty"},
       {"wrong count", [&](auto& f) { labels(f, counting({19}, DType::i64)); }, "it has 20 images, but 19 labels"},
       {"wrong type", [&](auto& f) { labels(f, counting({20}, DType::f32)); }, "but its elements are f32"},
       {"one-hot", [&](auto& f) { labels(f, counting({20, 3}, DType::u8)); }, "labels are [N] or [N, 1]"},
       {"mixed sizes", [](auto& f) { write_bytes(f / "images.npy", read_file(golden("objects.npy"), 1 << 16)); },
        "images.npy: it holds Python objects"},
       {"unreadable", [](auto& f) { make_unreadable(f / "images.npy"); }, "images.npy: it is not a regular file"},
       {"duplicate", [](auto& f) { save_npy(f / "x_train.npy", counting({2, 4, 5}, DType::u8)); },
        "it has the arrays x_train and images; one data set a folder or archive"},
       {"missing labels", [&](auto& f) { rename(f, "images", "x_train"), rename(f, "labels", "y_test"); },
        "it has x_train but no y_train"},
       {"negative label", [&](auto& f) { labels(f, with_label_4(-7)); }, "labels.npy: label 4 is -7"},
       {"huge label", [&](auto& f) { labels(f, with_label_4(int64_t{1} << 60)); },
        "label 4 is 1152921504606846976; labels are numbers from 0 to 65535"},
       {"huge", [&](auto& f) { write_bytes(f / "images.npy", huge); },
        "its header announces sizes [99999999, 9999, 9999], more than its"},
       {"hostile path", [&](auto& f) { make_link_outside(f / "images.npy", outside); },
        "it is a symbolic link to " + outside / "target" + ", which lies outside of"}},
      write_set, [](const std::string& folder) { load(folder); });
  CHECK(contains(message_of<IoError>([] { load(golden("fields.npy")); }), "it is a structured array"));
  const TemporaryFolder folder;
  save_npy(folder / "pixels.npy", counting({2, 4, 5}, DType::u8));
  CHECK(contains(message_of<IoError>([&] { load(folder.path()); }), "it has no array of images, which are named"));
  CHECK(contains(message_of<IoError>([&] { load(folder / "pixels.npy", data::Split::test); }),
                 "no image is left for the test split"));
}
