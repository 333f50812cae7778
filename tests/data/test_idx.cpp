#include <doctest/doctest.h>

#include <filesystem>

#include <ditharos/data/datasets/images/idx.h>
#include <ditharos/tensor/allocator.h>
#include "tests/support/data_files.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::tests;

namespace {

constexpr uint32_t images_magic = 0x803, labels_magic = 0x801;

std::string images_file(uint32_t n, uint32_t height, uint32_t width) {
  return idx_bytes(images_magic, {n, height, width}, counting_bytes(size_t{n} * height * width));
}
std::string labels_file(const std::string& labels) {
  return idx_bytes(labels_magic, {static_cast<uint32_t>(labels.size())}, labels);
}
void write_set(const TemporaryFolder& folder, const std::string& prefix, const std::string& images,
               const std::string& labels, const std::string& ending = "") {
  const bool gz = ending == ".gz";
  write_bytes(folder / (prefix + "-images-idx3-ubyte" + ending), gz ? gzipped(images) : images);
  write_bytes(folder / (prefix + "-labels-idx1-ubyte" + ending), gz ? gzipped(labels) : labels);
}

}  // namespace

TEST_CASE("idx: plain and compressed files hold the same images") {
  for (const std::string ending : {"", ".gz"}) {
    CAPTURE(ending);
    TemporaryFolder folder;
    write_set(folder, "train", images_file(3, 2, 4), labels_file({0, 2, 1}), ending);
    CHECK(data::is_idx_directory(folder.path()));
    const auto set = data::load_idx(folder.path(), data::Split::train);
    CHECK(set.images().shape() == Shape{3, 1, 2, 4});
    CHECK(set.labels().to_vector<int64_t>() == std::vector<int64_t>{0, 2, 1});
    CHECK(set.class_names() == std::vector<std::string>{"0", "1", "2"});
    for (int64_t i = 0; i < 24; ++i) CHECK(set.images().data<uint8_t>()[i] == i);
    CHECK(set.image(1)[0] == 8);
  }
}

TEST_CASE("idx: a gzip file may consist of several streams") {
  TemporaryFolder folder;
  const std::string bytes = images_file(4, 3, 3);
  write_bytes(folder / "a.gz", gzipped(bytes.substr(0, 10)) + gzipped(bytes.substr(10)));
  CHECK(data::read_idx_images(folder / "a.gz").shape() == Shape{4, 1, 3, 3});
}

TEST_CASE("idx: class names from the caller, classes.txt, Fashion-MNIST, or the numbers") {
  TemporaryFolder folder;
  const std::string digits{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  write_set(folder, "t10k", images_file(10, 1, 1), labels_file(digits));
  const auto names = [&](const std::string& directory, const std::vector<std::string>& given = {}) {
    return data::load_idx(directory, data::Split::test, given).class_names();
  };
  CHECK(names(folder.path())[9] == "9");

  const std::string renamed = folder / "fashion-mnist";
  std::filesystem::create_directory(renamed);
  for (const char* file : {"t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"}) {
    std::filesystem::copy_file(folder / file, renamed + "/" + file);
  }
  CHECK(names(renamed) == data::fashion_mnist_class_names());
  CHECK(names(renamed + "/") == data::fashion_mnist_class_names());

  write_bytes(renamed + "/classes.txt", "zero\none \r\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n\n");
  CHECK(names(renamed)[1] == "one");
  const std::vector<std::string> given{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"};
  CHECK(names(renamed, given) == given);

  const auto refusal = [&](const std::string& text) {
    write_bytes(renamed + "/classes.txt", text);
    return message_of<IoError>([&] { names(renamed); });
  };
  CHECK(contains(refusal("a\nb\n"), "label 9 is 9, but there are names for 2 classes"));
  CHECK(contains(refusal("\n \n"), "no class name"));
  CHECK(contains(refusal("a\nb\na\n"), "'a' stands there twice"));
  CHECK(contains(refusal("a\n\nb\n"), "line 2 is empty"));
}

TEST_CASE("R9: damaged IDX files are refused with the path and the reason") {
  TemporaryFolder folder;
  const std::string good = images_file(4, 3, 5), zipped = gzipped(good);
  std::string wrong_sum = zipped, wrong_length = zipped, wrong_data = zipped, wrong_method = zipped;
  wrong_sum[zipped.size() - 8] ^= 1;
  wrong_length[zipped.size() - 1] ^= 1;
  wrong_data[zipped.size() / 2] ^= 0x55;
  wrong_method[2] = 7;
  const std::string body = counting_bytes(60);
  struct Damage {
    std::string name, bytes, reason;
  };
  const std::vector<Damage> damages = {
      {"empty", "", "ends after 0 of the 4 bytes of the header"},
      {"magic_cut", good.substr(0, 3), "ends after 3 of the 4 bytes of the header"},
      {"sizes_cut", good.substr(0, 9), "ends after 1 of the 4 bytes of the header"},
      {"images_cut", good.substr(0, good.size() - 1), "ends after 59 of the 60 bytes of images [4, 3, 5]"},
      {"garbage", good + "x", "more bytes follow"},
      {"labels", labels_file("\1\2"), "magic number is 0x00000801"},
      {"floats", idx_bytes(0xd03, {4, 3, 5}, body), "magic number is 0x00000d03"},
      {"little_endian", idx_bytes(0x03080000, {4, 3, 5}, body), "magic number is 0x03080000"},
      {"zipped_without_gz", zipped, "magic number is 0x1f8b"},
      {"no_images", idx_bytes(images_magic, {0, 3, 5}, ""), "one of them is 0"},
      {"no_width", idx_bytes(images_magic, {4, 3, 0}, ""), "one of them is 0"},
      {"overflow", idx_bytes(images_magic, {0x80000000, 0x80000000, 4}, body), "more than a file of this length"},
      {"wraps_to_0", idx_bytes(images_magic, {0x10000, 0x10000, 0xffffffff}, body), "more than a file of this length"},
      {"all_ones", idx_bytes(images_magic, {0xffffffff, 0xffffffff, 0xffffffff}, body), "more than a file of this"},
      {"bomb.gz", gzipped(idx_bytes(images_magic, {1, 1, 8}, std::string(1 << 24, '\0'))), "more bytes follow"},
      {"promise.gz", gzipped(idx_bytes(images_magic, {1 << 20, 100, 100}, body)), "more than a file of this length"},
      {"short.gz", gzipped(good.substr(0, 40)), "ends after 24 of the 60 bytes of images [4, 3, 5]"},
      {"empty.gz", "", "cut off after 0 bytes"},
      {"cut.gz", zipped.substr(0, zipped.size() - 12), "cut off after"},
      {"cut_sum.gz", zipped.substr(0, zipped.size() - 3), "cut off after"},
      {"not_gzip.gz", good, "gzip stream is damaged (incorrect header check)"},
      {"check_sum.gz", wrong_sum, "gzip stream is damaged (incorrect data check)"},
      {"length.gz", wrong_length, "gzip stream is damaged (incorrect length check)"},
      {"data.gz", wrong_data, "cannot read"},
      {"method.gz", wrong_method, "unknown compression method"},
      {"garbage.gz", zipped + "xyz", "gzip stream is damaged"},
      {"second_stream.gz", zipped + gzipped("!"), "more bytes follow"},
  };
  for (const Damage& damage : damages) {
    CAPTURE(damage.name);
    const std::string path = folder / damage.name;
    write_bytes(path, damage.bytes);
    const std::string message = message_of<IoError>([&] { data::read_idx_images(path); });
    CAPTURE(message);
    CHECK(contains(message, "cannot read " + path + ": "));
    CHECK(contains(message, damage.reason));
  }
  CHECK(contains(message_of<IoError>([&] { data::read_idx_images(folder / "absent"); }), "absent"));
  CHECK(contains(message_of<IoError>([&] { data::read_idx_images(folder.path()); }), "not a regular file"));
  CHECK(contains(message_of<IoError>([&] { data::read_idx_images("/dev/zero"); }), "not a regular file"));
  const auto labels = [&](const std::string& bytes) {
    write_bytes(folder / "labels", bytes);
    return message_of<IoError>([&] { data::read_idx_labels(folder / "labels"); });
  };
  CHECK(contains(labels(good), "magic number is 0x00000803, an IDX file of labels starts with 0x00000801"));
  CHECK(contains(labels(labels_file("\1\2") + "\3"), "more bytes follow"));
  CHECK(contains(labels(idx_bytes(labels_magic, {0xffffffff}, "\1")), "more than a file of this length"));
}

TEST_CASE("idx: every truncation and every flipped header bit is refused or harmless") {
  TemporaryFolder folder;
  const std::string good = images_file(2, 3, 3), zipped = gzipped(good);
  for (size_t n = 0; n < good.size(); ++n) {
    write_bytes(folder / "a", good.substr(0, n));
    CHECK_THROWS_AS(data::read_idx_images(folder / "a"), IoError);
  }
  for (size_t n = 0; n < zipped.size(); ++n) {
    write_bytes(folder / "a.gz", zipped.substr(0, n));
    CHECK_THROWS_AS(data::read_idx_images(folder / "a.gz"), IoError);
  }
  for (size_t bit = 0; bit < 16 * 8; ++bit) {
    std::string flipped = good;
    flipped[bit / 8] ^= static_cast<char>(1 << bit % 8);
    write_bytes(folder / "a", flipped);
    CHECK_THROWS_AS(data::read_idx_images(folder / "a"), IoError);
  }
}

TEST_CASE("idx: a file that lies about its sizes costs no memory") {
  TemporaryFolder folder;
  write_bytes(folder / "a", idx_bytes(0x803, {0x7fffffff, 0xffff, 0xffff}, "abc"));
  reset_peak();
  const size_t before = allocator_stats().peak;
  CHECK_THROWS_AS(data::read_idx_images(folder / "a"), IoError);
  CHECK(allocator_stats().peak == before);
}

TEST_CASE("idx: a set with missing files or with counts that differ is refused") {
  TemporaryFolder folder;
  CHECK_FALSE(data::is_idx_directory(folder.path()));
  const auto refusal = [&] { return message_of<IoError>([&] { data::load_idx(folder.path(), data::Split::train); }); };
  CHECK(contains(refusal(), "neither train-images-idx3-ubyte nor train-images.idx3-ubyte"));
  write_bytes(folder / "train-images-idx3-ubyte", images_file(3, 2, 2));
  CHECK(contains(refusal(), "neither train-labels-idx1-ubyte nor"));
  write_bytes(folder / "train-labels-idx1-ubyte", labels_file("\1\2"));
  CHECK(contains(refusal(), "it has 3 images, but " + folder / "train-labels-idx1-ubyte" + " has 2 labels"));
  CHECK(contains(message_of<IoError>([&] { data::load_idx(folder.path(), data::Split::test); }), "t10k-images"));
}

TEST_CASE("idx: the installed Fashion-MNIST has its 60,000 and 10,000 images") {
  const std::string directory = data::find_fashion_mnist();
  if (directory.empty()) return;  // the package is not there: nothing to read
  for (const auto split : {data::Split::train, data::Split::test}) {
    const auto set = data::load_idx(directory, split);
    const int64_t n = split == data::Split::train ? 60000 : 10000;
    CHECK(set.images().shape() == Shape{n, 1, 28, 28});
    CHECK(set.class_names() == data::fashion_mnist_class_names());
    for (int64_t label = 0; label < 10; ++label) {
      CHECK(static_cast<int64_t>(set.indices_of_class(label).size()) == n / 10);
    }
  }
}
