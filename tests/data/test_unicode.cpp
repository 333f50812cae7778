// Captions, prompts and labels beyond ASCII.
#include <doctest/doctest.h>

#include <cctype>

#include <ditharos/data/image/font.h>
#include <ditharos/data/image/image_grid.h>
#include <ditharos/data/text/tokenizer.h>
#include <ditharos/data/text/unicode.h>
#include <ditharos/data/text/words.h>
#include <ditharos/pipelines/video_pipeline.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/random.h>
#include "tests/support/paths.h"

using namespace ditharos;
using data::Case;
using data::split_words;

namespace {

using Parts = std::vector<std::string>;

/// The split of text when only ASCII was folded, for comparison.
Parts cut_ascii(const std::string& text) {
  const auto in_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  const auto lower = [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); };
  Parts parts;
  bool after_blank = true;
  for (size_t i = 0; i < text.size();) {
    if (text[i] == ' ' || (text[i] >= '\t' && text[i] <= '\r')) {
      after_blank = true;
      ++i;
      continue;
    }
    std::string part(after_blank ? " " : "");
    after_blank = false;
    const bool word = in_word(text[i]);
    part += lower(text[i++]);
    while (word && i < text.size()) {
      const bool joint =
          std::string("-'_").find(text[i]) != std::string::npos && i + 1 < text.size() && in_word(text[i + 1]);
      if (!joint && !in_word(text[i])) break;
      part += lower(text[i++]);
    }
    parts.push_back(part);
  }
  return parts;
}

}  // namespace

TEST_CASE("regression 17: case, accents and white space of any script do not make another prompt") {
  const Parts cafe{" a", " caf\xc3\xa9"};
  for (const char* same : {"a caf\xc3\xa9", "A CAF\xc3\x89", "a cafe\xcc\x81", "A CAFE\xcc\x81",  // é, É, combining
                           "a\xc2\xa0"
                           "caf\xc3\xa9",
                           "\xe3\x80\x80"
                           "a\xe3\x80\x80 caf\xc3\xa9",  // U+00A0, U+3000
                           "a\xe2\x80\x89"
                           "caf\xc3\xa9",
                           "a\xe2\x80\xa8"
                           "caf\xc3\xa9",
                           "a\xc2\x85"
                           "caf\xc3\xa9",
                           "\xef\xbb\xbf"
                           "a ca\xc2\xad"
                           "f\xc3\xa9"}) {  // byte order mark, soft hyphen
    CAPTURE(same);
    CHECK(split_words(same) == cafe);
  }
  CHECK(split_words("STRASSE") == split_words("stra\xc3\x9f"
                                              "e"));                                          // ß
  CHECK(split_words("\xce\x9c\xce\x91\xce\xa3") == split_words("\xce\xbc\xce\xb1\xcf\x82"));  // final sigma
  CHECK(split_words("\xd0\x9a\xd0\x9e\xd0\xa2") == Parts{" \xd0\xba\xd0\xbe\xd1\x82"});       // КОТ
}

TEST_CASE("regression 17: typographic quotation marks, apostrophes and hyphens are those of ASCII") {
  CHECK(split_words("it\xe2\x80\x99s a \xe2\x80\x9cred\xe2\x80\x9d boot\xe2\x80\xa6") ==
        split_words("it's a \"red\" boot..."));
  CHECK(split_words("\xc2\xabred\xc2\xbb t\xe2\x80\x90shirt") == split_words("\"red\" t-shirt"));
  CHECK(split_words("\xe2\x80\x98"
                    "a\xe2\x80\x99") == split_words("'a'"));
  // Other punctuation stands alone, as in ASCII: a dash, an ideographic comma and full stop.
  CHECK(split_words("a\xe2\x80\x94"
                    "b") == Parts{" a", "\xe2\x80\x94", "b"});
  CHECK(split_words("\xe8\xb5\xa4\xe3\x80\x81\xe9\x9d\x92\xe3\x80\x82") ==
        Parts{" \xe8\xb5\xa4", "\xe3\x80\x81", "\xe9\x9d\x92", "\xe3\x80\x82"});
  CHECK_FALSE(data::is_word(" \xe2\x80\x94"));
  CHECK(data::is_word(" \xf0\x9f\x91\xa2"));  // a boot
}

TEST_CASE("regression 17: bytes that are not UTF-8 stay as they are, and what is beside them is folded") {
  CHECK(split_words("\xff"
                    "A \x80\xc3\x89\xc3") == Parts{" \xff"
                                                   "a",
                                                   " \x80\xc3\xa9\xc3"});
  CHECK(data::normalized("\xed\xa0\x80", Case::folded) == "\xed\xa0\x80");  // half of a surrogate pair
  CHECK(data::normalized("", Case::folded).empty());
  CHECK(data::normalized("E\xcc\x81", Case::kept) == "\xc3\x89");
  Generator random(1);
  for (int trial = 0; trial < 500; ++trial) {  // cutting what was joined changes nothing
    std::string text;
    for (int i = 0; i < 12; ++i) text += static_cast<char>(random.uniform() * 256);
    std::string joined;
    for (const std::string& part : split_words(text)) joined += part;
    std::string again;
    for (const std::string& part : split_words(joined)) again += part;
    CHECK(again == joined);
  }
}

TEST_CASE("regression 17: the split of ASCII has not changed, and the stored model gets the same tokens") {
  Generator random(2);
  for (int trial = 0; trial < 2000; ++trial) {
    std::string text;
    for (int i = 0; i < 16; ++i) text += static_cast<char>(9 + random.uniform() * 118);
    CAPTURE(text);
    REQUIRE(split_words(text) == cut_ascii(text));
  }
  const auto pipeline =
      pipelines::VideoPipeline::from_pretrained(tests::source_folder() + "/examples/checkpoints/sora.safetensors");
  using Tokens = std::vector<int64_t>;
  const data::Tokenizer& t = pipeline.tokenizer();
  CHECK(t.encode("a red sneaker drifts left across a dawn sky") ==
        Tokens{1, 260, 367, 359, 413, 299, 464, 260, 312, 265});
  CHECK(t.encode("A Pair of Trousers, quickly (it's an ankle-boot_2)!") ==
        Tokens{1,   260, 456, 397, 416, 47,  391, 2,   43, 108, 119, 42,
               118, 381, 425, 48,  101, 114, 114, 119, 98, 53,  44,  36});
  CHECK(t.encode("zebra \t x--y 'q' T-shirt/top") ==
        Tokens{1, 2, 125, 104, 101, 117, 100, 2, 123, 48, 48, 124, 2, 42, 116, 42, 415, 50, 119, 445});
  CHECK(t.encode("A RED\xc2\xa0"
                 "sneaker drifts left across a dawn\xe3\x80\x80sky") ==
        t.encode("a red sneaker drifts left across a dawn sky"));
}

TEST_CASE("regression 17: a word that captions held is known in every spelling of it") {
  const auto t = data::Tokenizer::train({"un caf\xc3\xa9 na\xc3\xafve", "It\xe2\x80\x99s"}, 300);
  CHECK(t.unknown_words("UN CAF\xc3\x89 nai\xcc\x88ve it's").empty());
  CHECK(t.encode("CAFE\xcc\x81") == t.encode("caf\xc3\xa9"));
  CHECK(t.words() == Parts{"caf\xc3\xa9", "it's", "na\xc3\xafve", "un"});
  // A list that was stored with its capitals beyond ASCII is folded when it is read.
  const auto old = data::Tokenizer::from_text("ditharos tokenizer 1\npieces 0\nwords 1\n\\xc3\\x89t\\xc3\\xa9\n");
  CHECK(old.unknown_words("\xc3\xa9t\xc3\xa9 \xc3\x89T\xc3\x89").empty());
}

TEST_CASE("regression 17: a label shows one mark for each character that the font lacks") {
  CHECK(data::drawn_letters("na\xc3\xafve") == "na?ve");
  CHECK(data::drawn_letters("nai\xcc\x88ve") == "na?ve");
  CHECK(data::drawn_letters("x\xcc\x82\xcc\x82y") == "xy");  // accents that no single character joins
  CHECK(data::drawn_letters("\xe8\xb5\xa4\xe3\x81\x84\xf0\x9f\x91\xa2") == "???");
  CHECK(data::drawn_letters("\xe2\x80\x9cit\xe2\x80\x99s\xe2\x80\x9d\xc2\xa0OK\xe2\x80\xa6") == "\"it's\" OK...");
  CHECK(data::drawn_letters("\xff\xfe"
                            "a\n") == "??a?");
  CHECK(data::text_width("na\xc3\xafve") == data::text_width("naive"));
  CHECK(data::text_width("") == 0);
  const auto grid = [](const std::string& label) {
    return data::make_grid(ones({1, 1, 2, 2}), {.row_labels = {label}});
  };
  CHECK(grid("na\xc3\xafve").to_vector<int64_t>() == grid("na?ve").to_vector<int64_t>());
}
