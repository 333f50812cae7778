// Video files that deviate from their formats but that other readers accept.
#include <doctest/doctest.h>

#include <ditharos/data/codecs/video/gif.h>
#include <ditharos/data/codecs/video/y4m.h>
#include "tests/support/data_files.h"

namespace ditharos::test_video_quirks {

using namespace ditharos::tests;
using data::VideoFrames;

namespace {

/// 2 x 2 pixels, palette red, green, blue, white. `aspect`: GIF's byte for the aspect of pixels.
std::string head(int aspect = 0) {
  return std::string("GIF89a\x02\x00\x02\x00\x91\x00", 12) + static_cast<char>(aspect) +
         std::string("\xff\x00\x00\x00\xff\x00\x00\x00\xff\xff\xff\xff", 12);
}
/// An image of the whole canvas, or of another size, with these LZW data.
std::string image(const std::string& data, int height = 2, int width = 2) {
  return std::string("\x21\xf9\x04\x00\x0a\x00\x00\x00\x2c\x00\x00\x00\x00", 13) + static_cast<char>(width) + '\0' +
         static_cast<char>(height) + std::string("\0\0\2", 3) + data;
}
const std::string red("\3\x04\x08\x14\0", 5), green("\3\x4c\x98\x14\0", 5), blue("\3\x94\x28\x15\0", 5);

VideoFrames decode(const std::string& bytes) { return data::decode_gif(bytes, "a.gif"); }
std::string refusal(const std::string& bytes) {
  return message_of<IoError>([&] { decode(bytes); });
}
/// One letter a pixel: r, g, b, white, or ? for another colour.
std::string shown(const VideoFrames& clip) {
  std::string text;
  const int64_t n = clip.frames.size(2) * clip.frames.size(3);
  const uint8_t* p = clip.frames.data<uint8_t>();
  for (int64_t f = 0; f < clip.frames.size(0); ++f, p += 3 * n) {
    if (f > 0) text += ' ';
    for (int64_t i = 0; i < n; ++i) {
      const bool r = p[i] == 255, g = p[n + i] == 255, b = p[2 * n + i] == 255;
      text += r && g && b ? 'w' : r && !g && !b ? 'r' : g && !r && !b ? 'g' : b && !r && !g ? 'b' : '?';
    }
  }
  return text;
}

}  // namespace

TEST_CASE("regression 15: a GIF without its trailer, or with zeros and line ends between its records, is read whole") {
  const std::string whole = "rrrr gggg bbbb";
  const std::string images = image(red) + image(green) + image(blue);
  const std::string zero(1, '\0');
  REQUIRE(shown(decode(head() + images + ";")) == whole);
  CHECK(shown(decode(head() + images)) == whole);
  CHECK(shown(decode(head() + images + zero)) == whole);
  CHECK(shown(decode(head() + images + zero + ";")) == whole);
  CHECK(shown(decode(head() + images + ";" + zero + zero)) == whole);
  CHECK(shown(decode(head() + images + "\r\n;\r\n")) == whole);
  CHECK(shown(decode(head() + images + "\r\n")) == whole);
  CHECK(shown(decode(head() + image(red) + zero + image(green) + "\n" + image(blue) + ";")) == whole);
  CHECK(shown(decode(head() + zero + images + ";")) == whole);
  CHECK(decode(head() + images).fps == 10);
  // What is no end of a record stays an error.
  CHECK(contains(refusal(head()), "before the end of its first frame"));
  CHECK(contains(refusal(head() + std::string(5, '\0')), "before the end of its first frame"));
  CHECK(contains(refusal(head() + image(red) + "xyz"), "damaged after frame 1"));
  CHECK(contains(refusal((head() + images).substr(0, (head() + images).size() - 1)), "cut off after frame 2"));
}

TEST_CASE("regression 15: an image of a GIF with too few pixels, or none, has the pixels that exist") {
  const std::string one_green("\2\x4c\x01\0", 4), without_end("\1\x0c\0", 3), nothing("\1\x2c\0", 3);
  CHECK(shown(decode(head() + image(one_green) + image(blue) + ";")) == "gwww bbbb");
  CHECK(shown(decode(head() + image(red) + image(one_green) + image(blue) + ";")) == "rrrr grrr bbbb");
  CHECK(shown(decode(head() + image(red) + image(without_end) + image(blue) + ";")) == "rrrr grrr bbbb");
  CHECK(shown(decode(head() + image(red) + image(nothing) + image(blue) + ";")) == "rrrr rrrr bbbb");
  CHECK(shown(decode(head() + image(red) + image(std::string(1, '\0')) + image(blue) + ";")) == "rrrr rrrr bbbb");
  // 0 x 0 pixels, with and without data: nothing is painted, and its time passes.
  for (const std::string& data : {green, nothing, std::string(1, '\0')}) {
    CHECK(shown(decode(head() + image(red) + image(data, 0, 0) + image(blue) + ";")) == "rrrr rrrr bbbb");
    CHECK(shown(decode(head() + image(red) + image(data, 2, 0) + image(blue) + ";")) == "rrrr rrrr bbbb");
  }
  CHECK(contains(refusal(head() + image(red) + image(std::string("\2\x4c", 2))), "cut off after frame 1"));
}

TEST_CASE("regression 15: pixels that are not square are resampled to squares") {
  const auto size_of = [](const VideoFrames& clip) {
    return std::to_string(clip.frames.size(3)) + "x" + std::to_string(clip.frames.size(2));
  };
  const auto y4m = [&](const std::string& aspect) {
    return data::decode_y4m("YUV4MPEG2 W6 H4 " + aspect + " Cmono\nFRAME\n" + std::string(24, '\x80'), "a.y4m");
  };
  CHECK(size_of(y4m("")) == "6x4");
  CHECK(size_of(y4m("A1:1")) == "6x4");
  CHECK(size_of(y4m("A0:0")) == "6x4");  // not known
  CHECK(size_of(y4m("A2:1")) == "12x4");
  CHECK(size_of(y4m("A1:2")) == "6x8");
  CHECK(size_of(y4m("A4:3")) == "8x4");
  CHECK(size_of(y4m("A16:1")) == "96x4");
  const std::string absurd = message_of<IoError>([&] { y4m("A1:1000"); });
  CHECK_MESSAGE(contains(absurd, "cannot read a.y4m: it says that its pixels are 0.001"), absurd);
  CHECK(contains(message_of<IoError>([&] { y4m("Ax"); }), "no number in Ax"));

  // GIF's byte is 64 times the aspect, less 15: 113 for 2, 17 for a half, 0 for none.
  const std::string images = image(red) + image(green) + ";";
  CHECK(size_of(decode(head(49) + images)) == "2x2");
  CHECK(size_of(decode(head(17) + images)) == "2x4");
  const VideoFrames wide = decode(head(113) + images);
  CHECK(size_of(wide) == "4x2");
  CHECK(shown(wide) == "rrrrrrrr gggggggg");
}

}  // namespace ditharos::test_video_quirks
