// Damaged video files: cut off at every byte, with any byte changed, with headers that lie. Each is read as some clip
// or refused with a sentence that names it; none crashes, hangs or takes much memory.
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>

#include <ditharos/data/codecs/video/gif.h>
#include <ditharos/data/codecs/video/webp.h>
#include <ditharos/data/codecs/video/y4m.h>
#include <ditharos/tensor/random.h>
#include "tests/support/data_files.h"
#include "tests/support/video_clips.h"

using namespace ditharos;
using namespace ditharos::tests;
using data::VideoFrames;

namespace {

struct Format {
  const char* name;
  std::function<std::string(const VideoFrames&)> encode;
  std::function<VideoFrames(const std::string&)> decode;
};

std::vector<Format> formats() {
  return {
      {"y4m", [](const VideoFrames& clip) { return data::encode_y4m(clip, data::Chroma::half); },
       [](const std::string& bytes) { return data::decode_y4m(bytes, "a.file"); }},
      {"gif", [](const VideoFrames& clip) { return data::encode_gif(clip, true, "a.file"); },
       [](const std::string& bytes) { return data::decode_gif(bytes, "a.file"); }},
      {"webp", [](const VideoFrames& clip) { return data::encode_webp(clip, {}, "a.file"); },
       [](const std::string& bytes) { return data::decode_webp(bytes, "a.file"); }},
      {"lossy webp", [](const VideoFrames& clip) { return data::encode_webp(clip, {.webp_quality = 50}, "a.file"); },
       [](const std::string& bytes) { return data::decode_webp(bytes, "a.file"); }}};
}

std::string outcome(const Format& format, const std::string& bytes) {
  return message_of<IoError>([&] { format.decode(bytes); });
}

void write_le(std::string& bytes, size_t at, uint64_t value, int count) {
  for (int i = 0; i < count; ++i) bytes[at + static_cast<size_t>(i)] = static_cast<char>(value >> 8 * i & 255);
}

}  // namespace

TEST_CASE("video damage: a file cut off anywhere is refused, and says after which frame") {
  const VideoFrames clip{square_clip(4, 12, 15), 8};
  for (const Format& format : formats()) {
    CAPTURE(format.name);
    const std::string whole = format.encode(clip);
    REQUIRE(outcome(format, whole) == "");
    int named = 0;
    for (size_t n = 0; n < whole.size(); ++n) {
      CAPTURE(n);
      const std::string message = outcome(format, whole.substr(0, n));
      // Y4M does not say how many frames it has, and a GIF's trailer may be missing: between two frames it is a whole
      // file.
      const bool may_end = format.name[0] == 'y' || format.name[0] == 'g';
      if (may_end && message.empty() && format.decode(whole.substr(0, n)).frames.size(0) <= 4) continue;
      REQUIRE(message.starts_with("cannot read a.file: "));
      named += message == "cannot read a.file: cut off after frame 3";
    }
    CHECK(named > 0);
  }
}

TEST_CASE("video damage: a changed byte gives a clip or an error message") {
  const VideoFrames clip{square_clip(4, 12, 15), 8};
  for (const Format& format : formats()) {
    CAPTURE(format.name);
    const std::string whole = format.encode(clip);
    int refused = 0;
    for (size_t at = 0; at < whole.size(); ++at) {
      for (const int flip : {0x01, 0x10, 0x80, 0xff}) {
        std::string bytes = whole;
        bytes[at] = static_cast<char>(bytes[at] ^ flip);
        CAPTURE(at);
        const std::string message = outcome(format, bytes);
        if (message.empty()) continue;
        REQUIRE(message.starts_with("cannot read a.file: "));
        ++refused;
      }
    }
    CHECK(refused > 0);
  }
}

TEST_CASE("video damage: bytes at random after a sound beginning") {
  const VideoFrames clip{square_clip(4, 12, 15), 8};
  Generator random(3);
  for (const Format& format : formats()) {
    CAPTURE(format.name);
    const std::string whole = format.encode(clip);
    for (int trial = 0; trial < 300; ++trial) {
      std::string bytes = whole;
      const auto below = [&](size_t n) { return static_cast<size_t>(random.uniform() * static_cast<double>(n)); };
      const size_t first = below(bytes.size()), last = std::min(bytes.size(), first + 1 + below(40));
      for (size_t i = first; i < last; ++i) bytes[i] = static_cast<char>(below(256));
      CAPTURE(trial);
      const std::string message = outcome(format, bytes);
      REQUIRE((message.empty() || message.starts_with("cannot read a.file: ")));
    }
  }
}

TEST_CASE("video damage: sizes beyond the limits are refused before memory is spent") {
  const auto y4m = [](const std::string& header) {
    return message_of<IoError>([&] { data::decode_y4m("YUV4MPEG2 " + header + "\nFRAME\n", "a"); });
  };
  CHECK(contains(y4m("W2147483647 H2147483647"), "more than 8192 on a side"));
  CHECK(contains(y4m("W99999999999999999999 H2"), "no number in W999"));
  CHECK(contains(y4m("W8192 H8192"), "1 image of 8192 x 8192 pixels, more than the 33554432"));
  CHECK(contains(y4m("W0 H4"), "gives no size"));
  CHECK(contains(y4m("W-4 H4"), "no number in W-4"));
  CHECK(contains(y4m("W4"), "gives no size"));
  CHECK(contains(y4m("W4 H4 F25"), "no number in F25"));
  CHECK(contains(y4m("W4 H4 F"), "no number in F"));
  CHECK(contains(y4m("W4 H4 C420p10"), "stored as C420p10"));
  CHECK(contains(y4m("W4 H4 C444"), "cut off before the end of its first frame"));
  CHECK(contains(message_of<IoError>([] { data::decode_y4m("YUV4MPEG2 W4 H4\n", "a"); }), "it has no frame"));
  CHECK(contains(message_of<IoError>([] { data::decode_y4m("YUV4MPEG2 W4 H4\nFLAME\n", "a"); }), "it is damaged"));

  const VideoFrames clip{square_clip(2, 12, 15), 8};
  std::string gif = data::encode_gif(clip, true, "a");
  write_le(gif, 6, 65535, 2);
  CHECK(contains(message_of<IoError>([&] { data::decode_gif(gif, "a"); }), "65535 x 12 pixels, more than"));
  // A canvas of 4096 x 4096 for images of a few bytes: the pixels of all frames count.
  std::string many("GIF89a");
  many.append("\x00\x10\x00\x10\x80\x00\x00", 7).append("\x00\x00\x00\xff\xff\xff", 6);
  const std::string image("\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00", 15);
  for (int i = 0; i < 9; ++i) many += image;
  CHECK(contains(message_of<IoError>([&] { data::decode_gif(many + ";", "a"); }),
                 "it has 3 or more frames of 4096 x 4096 pixels"));

  std::string webp = data::encode_webp(clip, {}, "a");
  REQUIRE(webp.substr(12, 4) == "VP8X");
  write_le(webp, 24, 16383, 3);
  write_le(webp, 27, 16383, 3);
  CHECK(contains(message_of<IoError>([&] { data::decode_webp(webp, "a"); }), "16384 x 16384 pixels, more than"));
}

TEST_CASE("video damage: GIF as others write it") {
  // 3 x 1 pixels, palette red, green, blue, white; no image covers the whole canvas.
  const std::string head = std::string("GIF89a\x03\x00\x01\x00\x81\x00\x00", 13) +
                           std::string("\xff\x00\x00\x00\xff\x00\x00\x00\xff\xff\xff\xff", 12);
  // Extension: disposal, delay, index that is transparent.
  const auto control = [](int disposal, int delay, int clear) {
    return std::string("\x21\xf9\x04", 3) + static_cast<char>(disposal << 2 | (clear >= 0)) + static_cast<char>(delay) +
           '\0' + static_cast<char>(clear >= 0 ? clear : 0) + '\0';
  };
  // One pixel: clear code 4, the index, end code 5 in codes of three bits, from the lowest bit on.
  const auto pixel = [](int x, int index) {
    const int codes = 4 | index << 3 | 5 << 6;
    return std::string("\x2c", 1) + static_cast<char>(x) + std::string("\0\0\0\1\0\1\0\0\2\2", 10) +
           static_cast<char>(codes & 255) + static_cast<char>(codes >> 8) + '\0';
  };
  const auto values = [&](const VideoFrames& clip) { return clip.frames.to_vector<int64_t>(); };
  using Values = std::vector<int64_t>;

  SUBCASE("an image without extension is a still; what is not painted shows white") {
    const VideoFrames clip = data::decode_gif(head + pixel(1, 2) + ";", "a");
    CHECK(values(clip) == Values{255, 0, 255, 255, 0, 255, 255, 255, 255});
    CHECK(clip.fps == data::default_fps);
  }
  SUBCASE("kept, cleared, and put back") {
    const std::string frames = control(1, 20, -1) + pixel(0, 0) + control(2, 20, -1) + pixel(1, 0) +
                               control(3, 20, -1) + pixel(2, 0) + control(1, 20, 0) + pixel(1, 0);
    const VideoFrames clip = data::decode_gif(head + frames + ";", "a");
    CHECK(clip.fps == 5);
    REQUIRE(clip.frames.shape() == Shape{4, 3, 1, 3});
    Values green;  // 0 where it is red
    for (int64_t f = 0; f < 4; ++f)
      for (int64_t x = 0; x < 3; ++x) green.push_back(clip.frames.data<uint8_t>()[f * 9 + 3 + x]);
    CHECK(green == Values{0, 255, 255, 0, 0, 255, 0, 255, 0, 0, 255, 255});
  }
  SUBCASE("delays of 0 and 1 are shown for 10 hundredths") {
    const VideoFrames clip =
        data::decode_gif(head + control(1, 0, -1) + pixel(0, 0) + control(1, 1, -1) + pixel(0, 1) + ";", "a");
    CHECK(clip.fps == 10);
  }
  SUBCASE("an image beyond the canvas, an index beyond the palette, other extensions") {
    const std::string comment("\x21\xfe\x02hi\x00", 6);
    const VideoFrames clip = data::decode_gif(head + comment + pixel(7, 1) + pixel(2, 1) + comment + ";", "a");
    CHECK(clip.frames.size(0) == 2);
    CHECK(clip.frames.data<uint8_t>()[9 + 2] == 0);
  }
  SUBCASE("no image, no palette") {
    CHECK(contains(message_of<IoError>([&] { data::decode_gif(head + ";", "a"); }), "it has no frame"));
    const std::string bare("GIF89a\x03\x00\x01\x00\x00\x00\x00", 13);
    CHECK(contains(message_of<IoError>([&] { data::decode_gif(bare + pixel(0, 0) + ";", "a"); }),
                   "an image in it has no colours"));
  }
}
