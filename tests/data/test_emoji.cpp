#include <doctest/doctest.h>

#include <algorithm>

#include <ditharos/data/synthetic/emoji.h>
#include <ditharos/data/synthetic/emoji_font.h>
#include <ditharos/data/synthetic/moving_garments.h>
#include "tests/support/data_files.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::tests;
using data::EmojiFont;

namespace {

std::string be16(uint32_t value) { return be32(value).substr(2); }

/// A font of two characters, the rocket and the bird, whose images are 4 x 4 pixels. Every field can be made wrong.
struct FontParts {
  uint32_t version = 0x00010000, map_format = 12, image_format = 17, png_length_error = 0, index_offset = 0;
  std::string first_tag = "CBDT";
  uint32_t glyphs = 2, cut = 0;

  /// Transparent but for the two columns in the middle, which are red.
  static std::string image() {
    PngParts png{.width = 4, .height = 4, .color_type = 6};
    for (int row = 0; row < 4; ++row) {
      png.lines += '\0';
      for (int column = 0; column < 4; ++column) {
        png.lines += column == 1 || column == 2 ? std::string("\xff\0\0\xff", 4) : std::string("\x09\x09\x09\0", 4);
      }
    }
    return png.bytes();
  }
  std::string bytes() const {
    const std::string png = image();
    const std::string body = std::string(5, '\0') + be32(static_cast<uint32_t>(png.size()) + png_length_error) + png;
    const auto size = static_cast<uint32_t>(body.size());
    const std::string images = be32(0x00030000) + body + body;  // CBDT
    // CBLC: one size, one list entry, offsets of four bytes.
    std::string locations = be32(0x00030000) + be32(1) + be32(56) + be32(0) + be32(1) + be32(0) + std::string(24, '\0');
    locations += be16(7) + be16(8) + std::string("\x6d\x6d\x20\x01", 4);
    locations += be16(7) + be16(7 + glyphs - 1) + be32(8 + index_offset);
    locations += be16(1) + be16(image_format) + be32(4) + be32(0) + be32(size) + be32(2 * size);
    const std::string characters = be16(0) + be16(1) + be16(3) + be16(10) + be32(12) + be16(map_format) + be16(0) +
                                   be32(40) + be32(0) + be32(2) + be32(0x1F426) + be32(0x1F426) + be32(8) +
                                   be32(0x1F680) + be32(0x1F680) + be32(7);
    std::string font = be32(version) + be16(3) + std::string(6, '\0'), tables;
    const auto add = [&](const std::string& tag, const std::string& table) {
      const size_t begin = 12 + 3 * 16 + tables.size();
      font += tag + be32(0) + be32(static_cast<uint32_t>(begin)) + be32(static_cast<uint32_t>(table.size()));
      tables += table;
    };
    add(first_tag, images);
    add("CBLC", locations);
    add("cmap", characters);
    font += tables;
    return font.substr(0, font.size() - cut);
  }
};

std::string refused(const FontParts& parts) {
  const TemporaryFolder folder;
  write_bytes(folder / "font.ttf", parts.bytes());
  return message_of<IoError>([&] { EmojiFont(folder / "font.ttf").image(U'\U0001F680'); });
}

}  // namespace

TEST_CASE("emoji: a font's images come with their opacity; characters that it lacks have none") {
  const TemporaryFolder folder;
  write_bytes(folder / "font.ttf", FontParts{}.bytes());
  const EmojiFont font(folder / "font.ttf");
  const auto rocket = font.image(U'\U0001F680');
  REQUIRE(rocket);
  CHECK(rocket->shape() == Shape{4, 4, 4});
  const std::vector<int64_t> values = rocket->to_vector<int64_t>();
  CHECK(std::vector<int64_t>(values.begin(), values.begin() + 4) == std::vector<int64_t>{9, 255, 255, 9});
  CHECK(std::vector<int64_t>(values.begin() + 48, values.begin() + 52) == std::vector<int64_t>{0, 255, 255, 0});
  CHECK(font.image(U'\U0001F426'));
  CHECK_FALSE(font.image(U'a'));
}

TEST_CASE("emoji: fonts that are damaged or without images are refused by name and reason") {
  CHECK(refused({}) == "");
  CHECK(contains(refused({.version = 0x4f54544f}), "it is no TrueType font"));
  CHECK(contains(refused({.first_tag = "glyf"}), "it has no table CBDT, so it holds no images"));
  CHECK(contains(refused({.map_format = 4}), "in no format that is known here (12)"));
  CHECK(contains(refused({.image_format = 5}), "image format 5, known are 17, 18 and 19"));
  CHECK(contains(refused({.png_length_error = 1}), "a table ends after"));
  CHECK(contains(refused({.index_offset = 100000}), "but byte 100008 is needed"));
  CHECK(contains(refused({.glyphs = 60000}), "a table ends after"));
  CHECK(contains(refused({.cut = 30}), "reaches beyond its end"));
  CHECK(contains(message_of<IoError>([] { EmojiFont("/nowhere/font.ttf"); }), "/nowhere/font.ttf"));
}

TEST_CASE("emoji: they move in clips in their own colours, and captions give them none") {
  const TemporaryFolder folder;
  write_bytes(folder / "font.ttf", FontParts{}.bytes());
  const data::Dataset emoji = data::load_emoji(folder / "font.ttf");
  CHECK(emoji.size() == 2);
  CHECK(emoji.class_names() == std::vector<std::string>{"rocket", "bird"});
  CHECK(emoji.images().shape() == Shape{2, 4, 64, 64});
  const data::MovingGarments clips(emoji, {.count = 30});
  for (int64_t i = 0; i < clips.size(); ++i) {
    const data::Scene scene = clips.scene(i);
    CAPTURE(scene.caption);
    const data::CaptionFacts facts = clips.grammar().read(scene.caption);
    CHECK(facts.lead.label == scene.lead.label);
    CHECK_FALSE(facts.lead.tint);
    const Tensor frames = clips.render(scene, {2, 32, 32});
    const uint8_t* pixels = frames.data<uint8_t>();
    int64_t red = 0;
    for (int64_t p = 0; p < 1024; ++p) red += pixels[p] > 240 && pixels[1024 + p] < 20 && pixels[2048 + p] < 20;
    CHECK(red > 20);
  }
}

TEST_CASE("emoji: the installed font has all that are known") {
  if (data::find_emoji_font().empty()) return;
  const data::Dataset emoji = data::load_emoji(data::find_emoji_font());
  CHECK(emoji.size() == 41);
  for (int64_t i = 0; i < emoji.size(); ++i) {
    const uint8_t* opacity = emoji.image(i) + 3 * 64 * 64;
    CHECK(std::count_if(opacity, opacity + 64 * 64, [](uint8_t a) { return a > 200; }) > 400);
  }
}
