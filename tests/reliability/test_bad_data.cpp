// Files that cannot be read, twenty kinds or more for each loader: the file is named with a reason, or it is skipped
// and counted where that was asked for.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <functional>

#include <ditharos/data/codecs/png.h>
#include <ditharos/data/codecs/video/video_file.h>
#include <ditharos/data/datasets/clips/video_folder.h>
#include <ditharos/data/datasets/open.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/io/file.h>
#include "tests/support/data_files.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/video_clips.h"

using namespace ditharos;
using namespace ditharos::tests;
namespace fs = std::filesystem;

namespace {

/// Puts something that is no good file of this format at the path.
struct BadFile {
  std::string kind;
  std::function<void(const std::string& path)> make;
};

BadFile of_bytes(const std::string& kind, const std::string& bytes) {
  return {kind, [bytes](const std::string& path) { write_bytes(path, bytes); }};
}

BadFile link_to(const std::string& kind, const std::string& target) {
  return {kind, [target](const std::string& path) { fs::create_symlink(target, path); }};
}

/// What any reader of files meets. `sound`: the bytes of a good file.
std::vector<BadFile> bad_files_of_any_kind(const std::string& sound) {
  const size_t half = sound.size() / 2;
  return {of_bytes("empty", ""),
          of_bytes("one byte", sound.substr(0, 1)),
          of_bytes("its signature alone", sound.substr(0, 6)),
          of_bytes("cut off in the header", sound.substr(0, 12)),
          of_bytes("cut off in the middle", sound.substr(0, half)),
          of_bytes("text", "<html>404 not found</html>\n"),
          of_bytes("zeros", std::string(sound.size(), '\0')),
          of_bytes("bytes in front of it", "\n" + sound),
          of_bytes("a gzip file", gzipped(sound)),
          of_bytes("a JPEG", "\xff\xd8\xff\xe0" + counting_bytes(60)),
          {"a directory", [](const std::string& path) { fs::create_directory(path); }},
          {"a named pipe", [](const std::string& path) { REQUIRE(::mkfifo(path.c_str(), 0600) == 0); }},
          link_to("a link to nothing", "nowhere"),
          {"a link to itself", [](const std::string& path) { fs::create_symlink(path, path); }},
          link_to("a link to a device", "/dev/zero")};
}

std::string with_byte(std::string bytes, size_t at, char value) {
  bytes[at] = value;
  return bytes;
}

std::vector<BadFile> bad_pngs() {
  PngParts parts{.width = 4, .height = 4};
  for (int row = 0; row < 4; ++row) parts.lines += std::string("\0\1\2\3\4", 5);
  const std::string sound = parts.bytes();
  std::vector<BadFile> bad = bad_files_of_any_kind(sound);
  const auto add = [&](const std::string& kind, const std::function<void(PngParts&)>& change) {
    PngParts changed = parts;
    change(changed);
    bad.push_back(of_bytes(kind, changed.bytes()));
  };
  add("no width", [](PngParts& p) { p.width = 0; });
  add("a width of 2^31 - 1", [](PngParts& p) { p.width = 0x7fffffff; });
  add("more pixels than the limit", [](PngParts& p) { p.width = p.height = 100000; });
  add("a depth of 3", [](PngParts& p) { p.depth = 3; });
  add("colour type 5", [](PngParts& p) { p.color_type = 5; });
  add("interlace method 7", [](PngParts& p) { p.interlace = 7; });
  add("a palette image without a palette", [](PngParts& p) { p.color_type = 3; });
  add("too few lines", [](PngParts& p) { p.lines.resize(10); });
  bad.push_back(of_bytes("a wrong checksum of the header", with_byte(sound, 30, '\x55')));
  bad.push_back(of_bytes("a changed byte of the pixels", with_byte(sound, 43, '\x55')));
  bad.push_back(
      of_bytes("no pixels", PngParts::signature() + png_chunk("IHDR", parts.header()) + png_chunk("IEND", "")));
  return bad;
}

/// Of clips: those of any kind, with the header's sizes made wrong.
std::vector<BadFile> bad_clips(const std::string& format, const std::string& sound) {
  std::vector<BadFile> bad = bad_files_of_any_kind(sound);
  for (const size_t share : {3, 5, 7, 9})
    bad.push_back(
        of_bytes("cut off at " + std::to_string(share) + " tenths", sound.substr(0, sound.size() * share / 10)));
  const auto replaced = [&](const std::string& kind, const std::string& from, const std::string& to) {
    std::string bytes = sound;
    bytes.replace(bytes.find(from), from.size(), to);
    bad.push_back(of_bytes(kind, bytes));
  };
  if (format == "y4m") {
    replaced("no width", " W", " X");
    replaced("a width of 0", " W8", " W0");
    replaced("a huge height", " H8", " H99999999999999999999");
    replaced("an unknown layout of chroma", " C", " C9");
  } else if (format == "gif") {
    bad.push_back(of_bytes("a width of 0", with_byte(sound, 6, '\0')));
    bad.push_back(of_bytes("a huge canvas", with_byte(with_byte(sound, 7, '\xff'), 9, '\xff')));
  } else if (format == "webp") {
    replaced("another container", "WEBP", "WAVE");
    replaced("another length of the file", "RIFF", "RIFX");
    bad.push_back(of_bytes("an unknown chunk alone", sound.substr(0, 12) + "ABCD" + std::string(4, '\0')));
  }
  return bad;
}

/// The message names the file, or the folder's list that does, and gives a reason.
void check_named(const std::string& message, const std::string& name) {
  CHECK_MESSAGE(contains(message, name), message);
  CHECK_MESSAGE(message.size() > message.find(name) + name.size() + 5, message);
}

}  // namespace

TEST_CASE("R9: 20 kinds of bad files in a folder of images are named with a reason, or skipped and counted") {
  const std::vector<BadFile> kinds = bad_pngs();
  for (const BadFile& bad : kinds) {
    CAPTURE(bad.kind);
    const TemporaryFolder folder;
    fs::create_directory(folder / "a");
    for (const int number : {1, 2, 4})
      data::write_png(folder / "a/" + std::to_string(number) + ".png", full({1, 4, 4}, number, DType::u8));
    bad.make(folder / "a/3.png");
    check_named(message_of<Error>([&] { data::open_images(folder.path(), data::Split::train); }), "a/3.png");
    if (bad.kind == "a link to a device") continue;  // it leads out of the folder: never skipped
    data::OpenOptions options;
    options.files.on_damaged = data::OnDamaged::skip;
    const auto opened = data::open_images(folder.path(), data::Split::train, options);
    CHECK(opened.source->size() == 3);
    REQUIRE(opened.skipped.size() == 1);
    check_named(opened.skipped[0], "a/3.png");
  }
  MESSAGE(kinds.size() << " kinds of PNG files");
  CHECK(kinds.size() >= 20);
}

TEST_CASE("R9: 20 kinds of bad files of each format in a folder of clips are named, or skipped and counted") {
  for (const std::string format : {"gif", "webp", "y4m"}) {
    CAPTURE(format);
    const TemporaryFolder sound;
    data::write_clip(sound / "a." + format, square_clip(3, 8, 8), 8);
    const std::vector<BadFile> kinds = bad_clips(format, read_file(sound / "a." + format, 1 << 20));
    for (const BadFile& bad : kinds) {
      CAPTURE(bad.kind);
      const TemporaryFolder folder;
      const std::string name = "bad." + format;
      data::write_clip(folder / "good." + format, square_clip(3, 8, 8), 8);
      bad.make(folder / name);
      write_bytes(folder / "captions.txt", "good." + format + "\ta square\n" + name + "\tanother\n");
      check_named(message_of<Error>([&] { data::VideoFolder set(folder.path()); }), name);
      if (bad.kind == "a link to a device") continue;  // it leads out of the folder: never skipped
      const data::VideoFolder set(folder.path(), {.skip_damaged = true});
      CHECK(set.size() == 1);
      REQUIRE(set.skipped().size() == 1);
      check_named(set.skipped()[0], name);
    }
    MESSAGE(kinds.size() << " kinds of " << format << " files");
    CHECK(kinds.size() >= 20);
  }
}
