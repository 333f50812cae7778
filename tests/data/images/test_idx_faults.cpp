#include <doctest/doctest.h>

#include <filesystem>

#include <ditharos/data/datasets/images/idx.h>
#include "tests/data/fault_table.h"

using namespace ditharos;
using namespace ditharos::tests;

namespace {

const char* const images = "train-images-idx3-ubyte";
const char* const labels = "train-labels-idx1-ubyte";

void write_set(const TemporaryFolder& folder) {
  write_bytes(folder / images, idx_bytes(0x803, {3, 4, 5}, counting_bytes(60)));
  write_bytes(folder / labels, idx_bytes(0x801, {3}, std::string("\0\1\2", 3)));
}

}  // namespace

TEST_CASE("idx: faults, each with its sentence") {
  const TemporaryFolder outside;
  const std::string path = outside / "target";
  check_faults(
      {{"cut", [](auto& f) { std::filesystem::resize_file(f / images, 70); }, "it ends after 54 of the 60 bytes"},
       {"empty", [](auto& f) { write_bytes(f / labels, ""); }, "it ends after 0 of the 4 bytes of the header"},
       {"wrong count", [](auto& f) { write_bytes(f / labels, idx_bytes(0x801, {2}, "\1\2")); },
        "it has 3 images, but "},
       {"wrong type", [](auto& f) { write_bytes(f / images, idx_bytes(0xd03, {3, 4, 5}, counting_bytes(240))); },
        "its magic number is 0x00000d03, an IDX file of images starts with 0x00000803"},
       {"mixed sizes", [](auto& f) { write_bytes(f / images, idx_bytes(0x803, {3, 4, 5}, counting_bytes(77))); },
        "more bytes follow"},
       {"unreadable", [](auto& f) { make_unreadable(f / images); }, "it is not a regular file"},
       {"duplicate", [](auto& f) { write_bytes(f / "classes.txt", "a\nb\na\n"); },
        "the class name 'a' stands there twice"},
       {"missing labels", [](auto& f) { std::filesystem::remove(f / labels); },
        "it has neither train-labels-idx1-ubyte nor train-labels.idx1-ubyte"},
       {"missing name", [](auto& f) { write_bytes(f / "classes.txt", "a\nb\n"); },
        "label 2 is 2, but there are names for 2 classes"},
       {"huge", [](auto& f) { write_bytes(f / images, idx_bytes(0x803, {0x7fffffff, 0xffff, 0xffff}, "abc")); },
        "more than a file of this length can hold"},
       {"hostile path", [&](auto& f) { make_link_outside(f / images, outside); },
        "it is a symbolic link to " + path + ", which lies outside of"}},
      write_set, [](const std::string& folder) { (void)data::load_idx(folder, data::Split::train); });
}
