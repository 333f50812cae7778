// Text files as editors on any system leave them: byte order mark, line ends of three kinds, trailing blanks.
#include <doctest/doctest.h>

#include <filesystem>

#include <ditharos/data/codecs/video/video_file.h>
#include <ditharos/data/datasets/names.h>
#include <ditharos/data/text/captions.h>
#include <ditharos/data/text/text_lines.h>
#include "examples/by_hand/frames.h"
#include "examples/cli/reports/prompt_words.h"
#include "tests/support/data_files.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/video_clips.h"

using namespace ditharos;
using namespace ditharos::tests;

namespace {

using Strings = std::vector<std::string>;

struct Manner {
  const char *name, *before, *line_end;
};
const std::vector<Manner> manners = {{"Unix", "", "\n"},
                                     {"Windows", "\xef\xbb\xbf", "\r\n"},
                                     {"old Macintosh", "", "\r"},
                                     {"blanks", "", " \t\n"},
                                     {"mark and blanks", "\xef\xbb\xbf", " \t\r\n"}};

/// The lines as an editor of that kind writes them.
std::string written(const Manner& manner, const Strings& lines) {
  std::string text = manner.before;
  for (const std::string& line : lines) text += line + manner.line_end;
  return text;
}

Strings as_strings(const std::vector<std::string_view>& lines) { return {lines.begin(), lines.end()}; }

/// What captions.jsonl of these bytes lists.
std::vector<data::FileCaption> jsonl(const TemporaryFolder& folder, const std::string& bytes) {
  write_bytes(folder / "captions.jsonl", bytes);
  return data::read_captions(folder.path());
}
std::string jsonl_refusal(const TemporaryFolder& folder, const std::string& bytes) {
  return message_of<IoError>([&] { jsonl(folder, bytes); });
}

}  // namespace

TEST_CASE("regression 14: a byte order mark, CR LF, CR alone and blanks at the ends of lines do not count") {
  CHECK(as_strings(data::text_lines("")).empty());
  CHECK(as_strings(data::text_lines("\xef\xbb\xbf")).empty());
  CHECK(as_strings(data::text_lines("\n")) == Strings{""});
  CHECK(as_strings(data::text_lines("a\r\rb\r\n\nc\n\rd")) == Strings{"a", "", "b", "", "c", "", "d"});
  CHECK(as_strings(data::text_lines(" a\xef\xbb\xbf ")) == Strings{" a\xef\xbb\xbf"});  // a mark at the beginning alone
  for (const Manner& manner : manners) {
    CAPTURE(manner.name);
    const Strings lines{"one", "", " two  words"};
    CHECK(as_strings(data::text_lines(written(manner, lines))) == lines);
  }
}

TEST_CASE("regression 14: every list, rate and video in text is read alike, whatever editor wrote it") {
  for (const Manner& manner : manners) {
    CAPTURE(manner.name);
    const TemporaryFolder lists, objects, frames;
    write_bytes(lists / "captions.txt", written(manner, {"a.gif\ta red boot", "", "b.gif\ttwo"}));
    const std::vector<data::FileCaption> captions = data::read_captions(lists.path());
    REQUIRE(captions.size() == 2);
    CHECK(captions[0].file == "a.gif");
    CHECK(captions[0].caption == "a red boot");
    CHECK(captions[1].file == "b.gif");

    const auto listed = jsonl(
        objects, written(manner, {R"({"file": "a.gif", "caption": "a"})", "", R"({"file": "b.gif", "caption": "b"})"}));
    REQUIRE(listed.size() == 2);
    CHECK(listed[1].file == "b.gif");

    write_bytes(lists / "classes.txt", written(manner, {"T-shirt/top", "Ankle boot"}));
    CHECK(data::read_class_names(lists.path()) == Strings{"T-shirt/top", "Ankle boot"});

    data::write_clip(frames / "clip", square_clip(2, 4, 4), 8);
    write_bytes(frames / "clip/fps.txt", written(manner, {"12.5", ""}));
    CHECK(data::read_clip(frames / "clip").fps == 12.5);

    const Tensor video = by_hand::parse_frames(written(manner, {"0 1  # comment", "", "1 0"}), "v.txt");
    CHECK(video.to_vector<double>() == std::vector<double>{0, 1, 1, 0});
    CHECK(video.size(0) == 2);

    CHECK(examples::parse_prompts(std::string("a red boot;") + manner.line_end + "two ;" + manner.line_end) ==
          Strings{"a red boot", "two"});
  }
}

TEST_CASE("regression 14: a rate is one positive number, and a file with zero bytes is no text") {
  const TemporaryFolder folder;
  data::write_clip(folder / "clip", square_clip(2, 4, 4), 8);
  for (const char* bad : {"", "\n", "8 9", "8\n9\n", "8fps", "0", "-1", "nan", "inf", "1e999", "\xef\xbb\xbf"}) {
    CAPTURE(bad);
    write_bytes(folder / "clip/fps.txt", bad);
    CHECK(contains(message_of<IoError>([&] { data::read_clip(folder / "clip"); }), "one positive number"));
  }
  const std::string utf16(
      "\xff\xfe"
      "a\0.\0g\0i\0f\0\t\0a\0\n\0",
      18);
  write_bytes(folder / "captions.txt", utf16);
  CHECK(contains(message_of<IoError>([&] { data::read_captions(folder.path()); }),
                 "captions.txt: it holds zero bytes, so it is not UTF-8 text"));
}

TEST_CASE("regression 14: other keys of captions.jsonl may hold anything, and a mistake is said with file and line") {
  const TemporaryFolder folder;
  for (const char* value : {"3", "-0.5e+7", "0", "12E-3", "null", "true", "false", "\"x\\n\"", "[]", "{}",
                            "[1, [2, {}], \"]\"]", R"({"file": "other.gif", "deep": {"a": [null, {"b": {}}]}})"}) {
    CAPTURE(value);
    const auto listed =
        jsonl(folder, std::string(R"({"id": )") + value + R"(, "file": "a.gif", "caption": "x", "n":)" + value + "}\n");
    REQUIRE(listed.size() == 1);
    CHECK(listed[0].file == "a.gif");
    CHECK(listed[0].caption == "x");
  }
  const std::string deep(100000, '[');
  const std::string closed = deep + std::string(deep.size(), ']');
  CHECK(jsonl(folder, R"({"a": )" + closed + R"(, "file": "a", "caption": "b"})").size() == 1);
  for (const char* value : {"", "01", "-", "1.", ".5", "1e", "nul", "NaN", "'x'", "[1,]", "[1 2]", "{\"a\"}", "{1: 2}",
                            "[}", "[", "{\"a\": 1,}"}) {
    CAPTURE(value);
    const std::string message =
        jsonl_refusal(folder, std::string("\n{\"file\": \"a\", \"caption\": \"b\", \"id\": ") + value + "}\n");
    CHECK(contains(message, "captions.jsonl:2: byte "));
    CHECK(contains(message, "of the line: "));
    CHECK_FALSE(contains(message, "header"));
  }
  CHECK(contains(jsonl_refusal(folder, "{\"file\": [\"a\"], \"caption\": \"b\"}"),
                 "captions.jsonl:1: the value of \"file\" must be a string"));
  CHECK(contains(jsonl_refusal(folder, "{}"), "captions.jsonl:1: it names no file"));
}
