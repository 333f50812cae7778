#include <doctest/doctest.h>

#include <filesystem>

#include <ditharos/data/datasets/arrays/cifar.h>
#include "tests/data/fault_table.h"

namespace ditharos::test_cifar {

using namespace ditharos::tests;

namespace {

constexpr size_t pixels = 3 * 32 * 32;

/// Records whose labels count from `first`, CIFAR-100's with the coarse label before the fine one.
std::string records(int first, int count, bool hundred = false) {
  std::string bytes;
  for (int i = 0; i < count; ++i) {
    if (hundred) bytes += static_cast<char>((first + i) % 20);
    bytes += static_cast<char>((first + i) % (hundred ? 100 : 10));
    bytes += std::string(pixels / 3, static_cast<char>(first + i)) + counting_bytes(2 * pixels / 3);
  }
  return bytes;
}
std::string batch(int number) { return "data_batch_" + std::to_string(number) + ".bin"; }

void write_10(const TemporaryFolder& folder) {
  for (int i = 1; i <= 5; ++i) write_bytes(folder / batch(i), records(3 * i, 3));
  write_bytes(folder / "test_batch.bin", records(0, 2));
  write_bytes(folder / "batches.meta.txt", "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n");
}
void write_100(const TemporaryFolder& folder) {
  write_bytes(folder / "train.bin", records(30, 100, true));
  write_bytes(folder / "test.bin", records(0, 2, true));
}
data::Dataset load(const std::string& folder, data::Split split = data::Split::train) {
  return data::load_cifar(folder, split);
}

}  // namespace

TEST_CASE("cifar: CIFAR-10's five batches in order, and its test batch") {
  const TemporaryFolder folder;
  CHECK_FALSE(data::is_cifar_directory(folder.path()));
  write_10(folder);
  CHECK(data::is_cifar_directory(folder.path()));
  const data::Dataset set = load(folder.path());
  CHECK(set.images().shape() == Shape{15, 3, 32, 32});
  CHECK(set.num_classes() == 10);
  CHECK(set.class_names()[9] == "truck");
  for (int64_t i = 0; i < 15; ++i) {
    CHECK(set.label(i) == (3 + i) % 10);
    CHECK(set.image(i)[0] == 3 + i);
    CHECK(set.image(i)[1024 + 7] == 7);
  }
  CHECK(load(folder.path(), data::Split::test).size() == 2);
  std::filesystem::remove(folder / "batches.meta.txt");
  CHECK(load(folder.path()).class_names()[9] == "9");
  const auto coarse = [&] { data::load_cifar(folder.path(), data::Split::train, {.coarse = true}); };
  CHECK(contains(message_of<ConfigError>(coarse), "CIFAR-10, which has no coarse labels"));
}

TEST_CASE("cifar: more records than are read at once") {
  const TemporaryFolder folder;
  write_10(folder);
  write_bytes(folder / "test_batch.bin", records(0, 700));
  const data::Dataset set = load(folder.path(), data::Split::test);
  CHECK(set.size() == 700);
  CHECK(set.image(699)[0] == 699 % 256);
  CHECK(set.label(699) == 9);
}

TEST_CASE("cifar: CIFAR-100 with fine or coarse labels") {
  const TemporaryFolder folder;
  write_100(folder);
  CHECK(data::is_cifar_directory(folder.path()));
  const data::Dataset fine = load(folder.path());
  const data::Dataset coarse = data::load_cifar(folder.path(), data::Split::train, {.coarse = true});
  CHECK(fine.images().shape() == Shape{100, 3, 32, 32});
  CHECK(fine.num_classes() == 100);
  CHECK(coarse.num_classes() == 20);
  CHECK(fine.label(1) == 31);
  CHECK(coarse.label(1) == 11);
  CHECK(fine.image(1)[0] == 31);
  std::string names;
  for (int i = 0; i < 20; ++i) names += "group " + std::to_string(i) + "\n";
  write_bytes(folder / "coarse_label_names.txt", names);
  CHECK(data::load_cifar(folder.path(), data::Split::train, {.coarse = true}).class_names()[19] == "group 19");
}

TEST_CASE("cifar: faults, each with its sentence") {
  const TemporaryFolder outside;
  const std::string names = "a\nb\nc\nd\ne\nf\ng\nh\ni\n";
  check_faults(
      {{"cut", [](auto& f) { write_bytes(f / batch(2), records(0, 3).substr(0, 3 * 3073 - 1)); },
        "data_batch_2.bin: it has 9218 bytes, which is no multiple of the 3073 bytes of a record of CIFAR-10"},
       {"empty", [](auto& f) { write_bytes(f / batch(1), ""); }, "data_batch_1.bin: it is empty"},
       {"wrong count", [&](auto& f) { write_bytes(f / "batches.meta.txt", names); },
        "batches.meta.txt: it has 9 names, but CIFAR-10 has 10 classes"},
       {"wrong type", [](auto& f) { write_bytes(f / batch(1), gzipped(records(0, 3))); },
        "it is cut off or of another format"},
       {"wrong label", [](auto& f) { write_bytes(f / batch(3), records(0, 2) + std::string(3073, '\x0a')); },
        "data_batch_3.bin: the label of record 2 is 10, but CIFAR-10 has the classes 0 to 9"},
       {"mixed sizes", [](auto& f) { write_bytes(f / batch(4), records(0, 3, true)); },
        "data_batch_4.bin: it has 9222 bytes, which is no multiple of the 3073"},
       {"unreadable", [](auto& f) { make_unreadable(f / batch(5)); }, "data_batch_5.bin: it is not a regular file"},
       {"duplicate", [&](auto& f) { write_bytes(f / "batches.meta.txt", names + "a\n"); },
        "the class name 'a' stands there twice"},
       {"two sets", [](auto& f) { write_bytes(f / "test.bin", records(0, 1, true)); },
        "it has files of CIFAR-10 and of CIFAR-100"},
       {"missing", [](auto& f) { std::filesystem::remove(f / batch(3)); }, "it has no data_batch_3.bin"},
       {"huge", [](auto& f) { std::filesystem::resize_file(f / batch(1), uint64_t{3073} << 40); },
        "it has more than 1099511627776 images"},
       {"hostile path", [&](auto& f) { make_link_outside(f / batch(1), outside); },
        "it is a symbolic link to " + outside / "target" + ", which lies outside of"}},
      write_10, [](const std::string& folder) { load(folder); });
}

TEST_CASE("cifar: the Python version is refused with what to do") {
  const TemporaryFolder folder;
  for (const char* name : {"meta", "train", "test"}) write_bytes(folder / name, "\x80\x02");
  CHECK(data::is_cifar_directory(folder.path()));
  CHECK(contains(message_of<IoError>([&] { load(folder.path()); }), "download the binary version"));
}

}  // namespace ditharos::test_cifar
