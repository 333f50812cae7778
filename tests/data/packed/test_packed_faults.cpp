// Folders of packed samples that are damaged or made to harm: each is refused in a sentence.
#include <doctest/doctest.h>

#include <filesystem>
#include <functional>

#include <ditharos/data/datasets/packed/packed_index.h>
#include <ditharos/data/datasets/packed/write_packed.h>
#include <ditharos/tensor/io/crc32c.h>
#include <ditharos/tensor/io/file.h>
#include "tests/support/bounded_memory.h"
#include "tests/support/data_files.h"
#include "tests/support/numbered_samples.h"
#include "tests/support/temporary_folder.h"

namespace ditharos::test_packed_faults {

using namespace ditharos::tests;
namespace fs = std::filesystem;

namespace {

const data::SampleShape shape{1, 4, 6};
const data::PackOptions small_shards{.shard_bytes = 4 * 3 * 4 * 6};  // four images a shard
const auto source = numbered_images(10);

std::string bytes_of(const std::string& path) { return read_file(path, 1 << 20); }

/// Changes one byte of a file, counted from its end if `at` is negative.
void flip_byte(const std::string& path, int64_t at) {
  std::string bytes = bytes_of(path);
  bytes[size_t(at >= 0 ? at : int64_t(bytes.size()) + at)] ^= 0x10;
  write_bytes(path, bytes);
}
void replace_text(const std::string& path, const std::string& from, const std::string& to) {
  std::string bytes = bytes_of(path);
  const size_t at = bytes.find(from);
  REQUIRE(at != std::string::npos);
  write_bytes(path, bytes.replace(at, from.size(), to));
}
/// What reading all samples of a folder says.
std::string fault_of(const std::string& folder) {
  return message_of<Error>([&] {
    const data::PackedDataset packed(folder);
    for (int64_t i = 0; i < packed.size(); ++i) packed.sample(i, shape);
  });
}

}  // namespace

TEST_CASE("packed faults: each is refused with the path and a reason, and packing again repairs it") {
  struct Fault {
    const char* name;
    std::function<void(const std::string& folder)> make;
    std::vector<std::string> parts;  // of the message
  };
  const auto index = [](const std::string& folder) { return folder + "/index.json"; };
  const auto shard = [](const std::string& folder, int k) {
    return folder + "/shard-0000" + std::to_string(k) + ".safetensors";
  };
  const std::string no_index = "index.json is no valid index of packed samples: ";
  const Fault faults[] = {
      {"no index", [&](auto& f) { fs::remove(index(f)); }, {"holds no packed samples: it has no index.json"}},
      {"empty index", [&](auto& f) { write_bytes(index(f), ""); }, {no_index, "not JSON"}},
      {"index cut off",
       [&](auto& f) { write_bytes(index(f), bytes_of(index(f)).substr(0, 300)); },
       {no_index, "not JSON"}},
      {"index of another kind", [&](auto& f) { write_bytes(index(f), "[1, 2]"); }, {no_index, "it has no \"format\""}},
      {"index of a later version",
       [&](auto& f) { replace_text(index(f), "\"version\": 2", "\"version\": 3"); },
       {no_index, "\"version\" must be a whole number from 1 to 2"}},
      {"an index of version 1 with the checksum of version 2",
       [&](auto& f) { replace_text(index(f), "\"version\": 2", "\"version\": 1"); },
       {no_index, "its checksum does not fit its contents"}},
      {"images that are no selection",
       [&](auto& f) { replace_text(index(f), "\"images\": null", "\"images\": [3]"); },
       {no_index, "it has no \"checksum\""}},
      {"a damaged image without a name",
       [&](auto& f) {
         replace_text(index(f), "\"images\": null", "\"images\": {\"checksum\": 1, \"damaged\": [{\"name\": 2}]}");
       },
       {no_index, "\"name\" must be a string"}},
      {"a changed count",
       [&](auto& f) { replace_text(index(f), "\"samples\": 2", "\"samples\": 3"); },
       {no_index, "its checksum does not fit its contents"}},
      {"a changed class name",
       [&](auto& f) { replace_text(index(f), "class 3", "class X"); },
       {no_index, "its checksum does not fit its contents"}},
      {"a negative size",
       [&](auto& f) { replace_text(index(f), "\"samples\": 4", "\"samples\": -4"); },
       {no_index, "\"samples\" must be a whole number from 1 to 281474976710656"}},
      {"an index that is too long",
       [&](auto& f) { write_bytes(index(f), std::string(2 << 20, '[')); },
       {"index.json", "has 2097152 bytes, more than the 1572864"}},
      {"a missing shard", [&](auto& f) { fs::remove(shard(f, 1)); }, {"shard-00001.safetensors", "No such file"}},
      {"an empty shard",
       [&](auto& f) { write_bytes(shard(f, 2), ""); },
       {"shard-00002.safetensors has 0 bytes, and the index says"}},
      {"a shard cut off",
       [&](auto& f) { fs::resize_file(shard(f, 0), fs::file_size(shard(f, 0)) - 1); },
       {"shard-00000.safetensors has ", " bytes, and the index says "}},
      {"a shard in the place of another",
       [&](auto& f) { fs::copy_file(shard(f, 0), shard(f, 1), fs::copy_options::overwrite_existing); },
       {"shard-00001.safetensors is damaged: the checksum of its labels and captions"}},
      {"a changed header", [&](auto& f) { flip_byte(shard(f, 0), 9); }, {"shard-00000.safetensors"}},
      {"a changed byte of a sample",
       [&](auto& f) { flip_byte(shard(f, 1), -5); },
       {"shard-00001.safetensors is damaged: the checksum of sample 3 does not fit its elements; the next start"}},
      {"a folder in the place of a shard",
       [&](auto& f) { fs::remove(shard(f, 1)), fs::create_directory(shard(f, 1)); },
       {"shard-00001.safetensors", "not a regular file"}},
      {"an index that is a link out of the folder",
       [&](auto& f) {
         fs::rename(index(f), f + "-elsewhere");
         fs::create_symlink(f + "-elsewhere", index(f));
       },
       {"index.json: it is a symbolic link", "which lies outside of"}},
      {"a shard that is a link out of the folder",
       [&](auto& f) {
         fs::rename(shard(f, 1), f + "-elsewhere");
         fs::create_symlink(f + "-elsewhere", shard(f, 1));
       },
       {"shard-00001.safetensors: it is a symbolic link", "which lies outside of"}},
  };
  const TemporaryFolder folder;
  for (const Fault& fault : faults) {
    const std::string path = folder / fault.name;
    CAPTURE(path);
    data::write_packed(*source, shape, path, small_shards);
    REQUIRE(fault_of(path) == "");
    fault.make(path);
    const std::string message = fault_of(path);
    for (const std::string& part : fault.parts) CHECK_MESSAGE(contains(message, part), message);
    if (fs::is_directory(path + "/shard-00001.safetensors")) continue;  // is not ours to remove
    data::write_packed(*source, shape, path, small_shards);
    CHECK(fault_of(path) == "");
  }
}

TEST_CASE("packed faults: every byte that is changed or missing in a small folder is found") {
  const TemporaryFolder folder;
  data::write_packed(*numbered_images(2, 1, 2, 2), {1, 2, 2}, folder.path());
  const auto whole = [&] {
    return message_of<Error>([&] {
             const data::PackedDataset packed(folder.path());
             for (int64_t i = 0; i < packed.size(); ++i) packed.sample(i, {1, 2, 2});
           }) == "";
  };
  REQUIRE(whole());
  for (const char* name : {"index.json", "shard-00000.safetensors"}) {
    const std::string path = folder / name, bytes = bytes_of(path);
    for (size_t length = 0; length < bytes.size(); ++length) {
      // A line feed at the end of the index says nothing.
      if (bytes.substr(length) == "\n") continue;
      write_bytes(path, bytes.substr(0, length));
      CHECK_FALSE(whole());
    }
    // The header of a shard also has names and metadata that are not read: there a change is harmless.
    const size_t first = name[0] == 's' ? 8 + size_t(static_cast<unsigned char>(bytes[0])) +
                                              256 * size_t(static_cast<unsigned char>(bytes[1]))
                                        : 0;
    int harmless = 0;
    for (size_t at = first; at < bytes.size(); ++at) {
      std::string changed = bytes;
      changed[at] ^= 0x04;
      write_bytes(path, changed);
      if (whole()) ++harmless;
    }
    CHECK(harmless == 0);
    write_bytes(path, bytes);
  }
}

TEST_CASE("packed faults: a hostile index takes little memory") {
  const TemporaryFolder folder;
  data::write_packed(*source, shape, folder.path(), small_shards);
  const auto with_index = [&](const std::string& text) {
    write_bytes(folder / "index.json", text);
    return with_memory(40 * MiB, [&] { return message_of<Error>([&] { data::PackedDataset{folder.path()}; }); });
  };
  const std::string nested(size_t{1} << 20, '[');
  std::string lists = "[";
  while (lists.size() < (1 << 20) - 8) lists += "[],";
  lists += "0]";
  CHECK(contains(with_index(nested), "is no valid index of packed samples"));
  CHECK(contains(with_index(lists), "is no valid index of packed samples"));
  // Right in itself, and impossible for the files that are there.
  data::PackedIndex index = {.shape = shape, .class_names = {"a"}, .shards = {}};
  index.shards = {{int64_t{1} << 40, uint64_t{1} << 60, 0}};
  data::write_packed_index(folder.path(), index);
  CHECK(contains(with_index(bytes_of(folder / "index.json")), "bytes, and the index says 1152921504606846976"));
  index.shards = {{int64_t{1} << 40, fs::file_size(folder / "shard-00000.safetensors"), 0}};
  data::write_packed_index(folder.path(), index);
  CHECK(contains(with_index(bytes_of(folder / "index.json")), "cannot hold 1099511627776 samples"));
  index.shape = {1 << 24, 1 << 24, 1 << 24};
  data::write_packed_index(folder.path(), index);
  CHECK(with_index(bytes_of(folder / "index.json")) != "");
}

TEST_CASE("packed faults: misuse") {
  const TemporaryFolder folder;
  CHECK(contains(message_of<ConfigError>([&] { data::write_packed(*numbered_images(0), shape, folder.path()); }),
                 "[write_packed] the source has no samples"));
  CHECK(contains(message_of<ConfigError>([&] { data::write_packed(*source, {1, 0, 4}, folder.path()); }),
                 "every size of a sample must be at least 1, got 1x0x4"));
  CHECK(
      contains(message_of<ConfigError>([&] { data::write_packed(*source, shape, folder.path(), {.shard_bytes = 0}); }),
               "shard_bytes must be at least 1, got 0"));
  const data::Dataset latin(source->images(), source->labels(), std::vector<std::string>(10, "caf\xe9"));
  CHECK(contains(message_of<ConfigError>([&] { data::write_packed(latin, shape, folder.path()); }), "is not UTF-8"));
  write_bytes(folder / "file", "");
  CHECK(contains(message_of<IoError>([&] { data::write_packed(*source, shape, folder / "file"); }), "file"));

  data::write_packed(*source, shape, folder / "good");
  const data::PackedDataset packed(folder / "good");
  CHECK(contains(message_of<ShapeError>([&] { packed.sample(0, {1, 4, 4}); }),
                 "are 1x4x6 and cannot be read as 1x4x4; pack them in that shape"));
  for (const int64_t i : {-1, 10}) {
    CHECK_THROWS_AS(packed.sample(i, shape), Error);
    CHECK_THROWS_AS(packed.label(i), Error);
    CHECK_THROWS_AS(packed.caption(i), Error);
  }
}

}  // namespace ditharos::test_packed_faults
