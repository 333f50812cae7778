#include <doctest/doctest.h>

#include <map>

#include <ditharos/data/datasets/webdataset/tar_index.h>
#include "tests/data/tar_bytes.h"
#include "tests/support/bounded_memory.h"
#include "tests/support/data_files.h"
#include "tests/support/paths.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::tests;

namespace {

/// The bytes of every member by name, read at the offset that the index gives.
std::map<std::string, std::string> contents_of(const std::string& path) {
  std::map<std::string, std::string> contents;
  const InputFile file(path);
  data::for_each_tar_member(file, [&](data::TarMember&& member) {
    std::string bytes(member.size, '\0');
    if (member.size > 0) file.read(member.offset, bytes.data(), bytes.size());
    contents[member.name] = bytes;
  });
  return contents;
}

}  // namespace

TEST_CASE("tar_index: archives of Python's tarfile in three formats, with long names and UTF-8") {
  for (const std::string format : {"ustar", "gnu", "pax"}) {
    CAPTURE(format);
    const auto contents = contents_of(source_folder() + "/tests/golden/webdataset/" + format + ".tar");
    CHECK(contents.size() == (format == "ustar" ? 6 : 8));
    for (const auto& [name, bytes] : contents) {
      const std::string shown = name;
      CAPTURE(shown);
      if (name.ends_with(".txt")) CHECK(bytes == "caption of " + name.substr(0, name.size() - 4));
      else CHECK(bytes.size() == 1);
    }
    CHECK(contents.contains("\xc3\xa9t\xc3\xa9/000003.txt"));
  }
}

TEST_CASE("tar_index: folders are passed over and empty members are there") {
  const TemporaryFolder folder;
  write_bytes(folder / "a.tar", tar_of({{.name = "a/", .data = "", .type = '5'}, {"a/b", ""}, {"a/c", "xyz"}}));
  const auto contents = contents_of(folder / "a.tar");
  CHECK(contents == std::map<std::string, std::string>{{"a/b", ""}, {"a/c", "xyz"}});
  write_bytes(folder / "none.tar", tar_of({}));
  CHECK(contents_of(folder / "none.tar").empty());
}

TEST_CASE("tar_index: what cannot be read is refused with the path and the reason") {
  const std::string good = tar_of({{"a", "xyz"}, {"b", std::string(700, 'b')}});
  std::string damaged = good;
  damaged[1024 + 130] ^= 1;  // the size of the second member
  std::string no_tar = good;
  no_tar[130] ^= 1;
  const std::string largest("\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", 12);  // 2^63 - 1, not in octal digits
  struct Damage {
    std::string name, bytes, reason;
  };
  const std::vector<Damage> damages = {
      {"empty", "", "it is empty"},
      {"text", "hello", "it is no tar archive"},
      {"first header", no_tar, "it is no tar archive"},
      {"second header", damaged, "it is damaged or cut off after 1 members"},
      {"gzip", gzipped(good), "it is compressed with gzip, so its members cannot be read one by one; decompress it"},
      {"zstd", "\x28\xb5\x2f\xfd and so on", "it is compressed with zstd"},
      {"in a member", good.substr(0, 1700), "claims 700 bytes, but the archive ends before"},
      {"in a header", good.substr(0, 1300), "it is damaged or cut off after 1 members"},
      {"at a header", good.substr(0, 1024), "the blocks that end an archive are missing"},
      {"joined", good + good, "other bytes follow the end of the archive, at byte 3584"},
      {"hard link", tar_of({{"a", "x"}, {.name = "b", .data = "", .type = '1', .target = "a"}}),
       "its member \"b\" is a link"},
      {"symbolic link", tar_of({{.name = "b", .data = "", .type = '2', .target = "/etc/passwd"}}),
       "its member \"b\" is a link"},
      {"device", tar_of({{.name = "b", .data = "", .type = '3'}}), "its member \"b\" is neither a file nor a folder"},
      {"huge", tar_of({{.name = "b", .data = "x", .claimed = "77777777777"}}),
       "its member \"b\" claims 8589934591 bytes, but the archive ends before"},
      {"huger", tar_of({{.name = "b", .data = "x", .claimed = largest}}), "cannot read"}};
  const TemporaryFolder folder;
  const std::string path = folder / "a.tar";
  for (const Damage& damage : damages) {
    CAPTURE(damage.name);
    write_bytes(path, damage.bytes);
    const std::string message = with_memory(16 * MiB, [&] { return contents_of(path), std::string("read"); });
    CAPTURE(message);
    CHECK(contains(message, "cannot read " + path + ": "));
    CHECK(contains(message, damage.reason));
  }
  for (size_t n = 0; n < good.size() - 512; n += 61) {
    write_bytes(path, good.substr(0, n));
    CHECK_THROWS_AS(contents_of(path), IoError);
  }
  CHECK(contains(message_of<IoError>([&] { contents_of(folder.path()); }), "not a regular file"));
}
