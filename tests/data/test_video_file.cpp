// Clips to files and back, in every format that needs no other program.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <filesystem>

#include <ditharos/data/codecs/png.h>
#include <ditharos/data/codecs/video/frame_folder.h>
#include <ditharos/data/codecs/video/video_file.h>
#include <ditharos/data/datasets/dataset.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/io/file.h>
#include "tests/support/data_files.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/video_clips.h"

using namespace ditharos;
using namespace ditharos::tests;
using data::read_clip;
using data::write_clip;

namespace fs = std::filesystem;

namespace {

int64_t bytes_of(const std::string& path) { return static_cast<int64_t>(fs::file_size(path)); }

std::string refusal_to_read(const std::string& path) {
  return message_of<IoError>([&] { read_clip(path); });
}

}  // namespace

TEST_CASE("video_file: PNG directories and lossless WebP bring back every byte and the rate") {
  const TemporaryFolder folder;
  for (const char* name : {"frames", "frames/", "clip.webp", "CLIP.WEBP"}) {
    for (const auto& [frames, height, width] : {std::array<int64_t, 3>{1, 1, 1}, {12, 5, 7}, {3, 32, 48}, {2, 1, 9}}) {
      const int64_t rows = height;
      CAPTURE(name);
      CAPTURE(rows);
      const Tensor clip = noise_clip(frames, height, width);
      write_clip(folder / name, clip, 12);
      const data::VideoFrames back = read_clip(folder / name);
      CHECK(largest_difference(back.frames, clip) == 0);
      // A WebP of one frame is a still image, which has no rate.
      if (frames > 1 || name[0] == 'f') CHECK(back.fps == 12);
    }
  }
}

TEST_CASE("video_file: formats keep the rate, also where a delay is no whole number of their ticks") {
  const TemporaryFolder folder;
  for (const char* name : {"clip.gif", "clip.webp", "clip.y4m", "clip"}) {
    for (const double fps : {1.0, 7.0, 8.0, 24.0, 30.0, 50.0}) {
      CAPTURE(name);
      CAPTURE(fps);
      write_clip(folder / name, square_clip(16, 6, 9), fps);
      CHECK(read_clip(folder / name).fps == fps);
    }
  }
  write_clip(folder / "clip.y4m", square_clip(2, 6, 9), 30000.0 / 1001);
  CHECK(read_clip(folder / "clip.y4m").fps == 30000.0 / 1001);
  CHECK(contains(read_file(folder / "clip.y4m", 1 << 20), "F30000:1001 "));
}

TEST_CASE("video_file: a clip whose frames are all the same keeps its frames") {
  const TemporaryFolder folder;
  const Tensor clip = full({5, 3, 4, 6}, 77, DType::u8);
  for (const char* name : {"clip.gif", "clip.webp", "clip.y4m", "clip"}) {
    CAPTURE(name);
    write_clip(folder / name, clip, 10);
    const data::VideoFrames back = read_clip(folder / name);
    CHECK(back.frames.shape() == clip.shape());
    CHECK(largest_difference(back.frames, clip) <= 2);
    CHECK(back.fps == 10);
  }
}

TEST_CASE("video_file: GIF is exact with at most 256 colours a frame") {
  const TemporaryFolder folder;
  // 36 colours in all: one palette. 16 x 16 pixels at random: at most 256 colours in each frame, not in all together.
  for (const Tensor& clip : {square_clip(8, 6, 6), noise_clip(4, 16, 16), noise_clip(1, 1, 1), noise_clip(3, 1, 5)}) {
    CAPTURE(clip.size(3));
    write_clip(folder / "clip.gif", clip, 10);
    const data::VideoFrames back = read_clip(folder / "clip.gif");
    CHECK(largest_difference(back.frames, clip) == 0);
    CHECK(back.fps == 10);
  }
}

TEST_CASE("video_file: a GIF of more colours stays close, and means over a block closer") {
  const TemporaryFolder folder;
  Tensor clip({1, 3, 64, 64}, DType::u8);  // 4096 colours
  for (int64_t i = 0; i < 4096; ++i) {
    clip.mutable_data<uint8_t>()[i] = static_cast<uint8_t>(i / 64 * 4);
    clip.mutable_data<uint8_t>()[4096 + i] = static_cast<uint8_t>(i % 64 * 4);
    clip.mutable_data<uint8_t>()[8192 + i] = 128;
  }
  write_clip(folder / "clip.gif", clip, 10);
  const Tensor back = read_clip(folder / "clip.gif").frames;
  CHECK(largest_difference(back, clip) <= 24);
  double worst_mean = 0;
  for (int64_t c = 0; c < 3; ++c) {
    for (int64_t block = 0; block < 64; ++block) {  // of 8 x 8 pixels
      double sum = 0;
      for (int64_t i = 0; i < 64; ++i) {
        const int64_t at = c * 4096 + (block / 8 * 8 + i / 8) * 64 + block % 8 * 8 + i % 8;
        sum += back.data<uint8_t>()[at] - clip.data<uint8_t>()[at];
      }
      worst_mean = std::max(worst_mean, std::abs(sum / 64));
    }
  }
  CHECK(worst_mean < 2);
}

TEST_CASE("video_file: Y4M with full chroma brings back every colour within rounding") {
  const TemporaryFolder folder;
  // All colours whose values are multiples of 5, and the corners.
  Tensor clip({1, 3, 52 * 52, 52}, DType::u8);
  const int64_t n = 52 * 52 * 52;
  for (int64_t i = 0; i < n; ++i) {
    clip.mutable_data<uint8_t>()[i] = static_cast<uint8_t>(5 * (i / (52 * 52)));
    clip.mutable_data<uint8_t>()[n + i] = static_cast<uint8_t>(5 * (i / 52 % 52));
    clip.mutable_data<uint8_t>()[2 * n + i] = static_cast<uint8_t>(5 * (i % 52));
  }
  write_clip(folder / "clip.y4m", clip, 10);
  CHECK(bytes_of(folder / "clip.y4m") > 3 * n);
  // Half a step of luma, 255 / 219 / 2, and of blue's chroma, 1.772 * 255 / 224 / 2, are 1.59 together.
  CHECK(largest_difference(read_clip(folder / "clip.y4m").frames, clip) <= 2);
}

TEST_CASE("video_file: Y4M with half the chroma is exact where colours do not change within a block") {
  const TemporaryFolder folder;
  const Tensor blocks = noise_clip(2, 3, 5);
  write_clip(folder / "clip.y4m", blocks, 10, {.scale = 2, .y4m_chroma = data::Chroma::half});
  write_clip(folder / "large", blocks, 10, {.scale = 2});
  CHECK(largest_difference(read_clip(folder / "clip.y4m").frames, read_clip(folder / "large").frames) <= 2);
  CHECK(contains(read_file(folder / "clip.y4m", 1 << 20), " C420jpeg\n"));
  // Odd sizes have a last block of one row or column.
  write_clip(folder / "clip.y4m", noise_clip(2, 3, 5), 10, {.y4m_chroma = data::Chroma::half});
  CHECK(read_clip(folder / "clip.y4m").frames.shape() == Shape{2, 3, 3, 5});
}

TEST_CASE("video_file: Y4M in the other layouts of chroma, and in full range") {
  const TemporaryFolder folder;
  struct Row {
    std::string header;
    size_t chroma;  // samples of Cb, and of Cr, for 5 x 3 pixels
  };
  for (const Row& row : {Row{"C420mpeg2", 6}, Row{"C420paldv", 6}, Row{"C422", 9}, Row{"C411", 6}, Row{"C444", 15},
                         Row{"Cmono", 0}, Row{"It", 6}}) {
    CAPTURE(row.header);
    const std::string planes =
        std::string(15, char(81)) + std::string(row.chroma, char(90)) + std::string(row.chroma, char(240));
    write_bytes(folder / "clip.y4m",
                "YUV4MPEG2 W5 H3 F25:1 " + row.header + "\nFRAME\n" + planes + "FRAME Xremark\n" + planes);
    const data::VideoFrames clip = read_clip(folder / "clip.y4m");
    CHECK(clip.fps == 25);
    CHECK(clip.frames.shape() == Shape{2, 3, 3, 5});
    const uint8_t* pixel = clip.frames.data<uint8_t>();
    // (81, 90, 240) is the red of colour bars in BT.601; 81 alone the gray (81 - 16) * 255 / 219.
    const bool gray = row.chroma == 0;
    CHECK(int(pixel[0]) == (gray ? 76 : 254));
    CHECK(int(pixel[15]) == (gray ? 76 : 0));
    CHECK(int(pixel[30]) == (gray ? 76 : 0));
  }
  write_bytes(folder / "clip.y4m", "YUV4MPEG2 H1 W2 Cmono XCOLORRANGE=FULL\nFRAME\n\x10\xff");
  const data::VideoFrames clip = read_clip(folder / "clip.y4m");
  CHECK(clip.frames.to_vector<int64_t>() == std::vector<int64_t>{16, 255, 16, 255, 16, 255});
  CHECK(clip.fps == data::default_fps);
}

TEST_CASE("video_file: frames of a directory are sorted by their numbers' values") {
  const TemporaryFolder folder;
  for (const int value : {9, 10, 100, 1}) {
    fs::create_directories(folder / "clip");
    data::write_png(folder / "clip/f" + std::to_string(value) + ".PNG", full({1, 2, 2}, value, DType::u8));
  }
  write_bytes(folder / "clip/.hidden.png", "x");
  write_bytes(folder / "clip/notes.txt", "x");
  const data::VideoFrames clip = read_clip(folder / "clip");
  CHECK(clip.fps == data::default_fps);
  std::vector<int> values;
  for (int64_t f = 0; f < clip.frames.size(0); ++f) values.push_back(clip.frames.data<uint8_t>()[f * 12]);
  CHECK(values == std::vector<int>{1, 9, 10, 100});

  CHECK(data::natural_less("a2", "a10"));
  CHECK_FALSE(data::natural_less("a10", "a2"));
  CHECK(data::natural_less("a02b", "a2c"));
  CHECK(data::natural_less("a02", "a2"));
  CHECK_FALSE(data::natural_less("a2", "a02"));
  CHECK_FALSE(data::natural_less("a2", "a2"));
  CHECK(data::natural_less("a", "a1"));
  CHECK(data::natural_less("1a", "1b"));
  CHECK(data::natural_less("99999999999999999998", "99999999999999999999"));
  CHECK(data::natural_less("", "a"));
}

TEST_CASE("video_file: a directory of frames replaces an older one, and nothing else") {
  const TemporaryFolder folder;
  write_clip(folder / "clip", noise_clip(5, 2, 2), 10);
  write_clip(folder / "clip", noise_clip(3, 4, 4), 20);
  CHECK(read_clip(folder / "clip").frames.shape() == Shape{3, 3, 4, 4});
  CHECK(read_clip(folder / "clip").fps == 20);
  write_bytes(folder / "clip/notes.txt", "x");
  const auto refusal = [&](const std::string& path) {
    return message_of<IoError>([&] { write_clip(path, noise_clip(1, 2, 2), 10); });
  };
  CHECK(contains(refusal(folder / "clip"), "holds notes.txt, which is no frame of a clip"));
  write_bytes(folder / "file", "x");
  CHECK(contains(refusal(folder / "file"), "it exists and is no directory"));
  CHECK(contains(refusal(folder / "absent/clip"), "absent/clip: cannot create a directory in "));
  CHECK(read_clip(folder / "clip").frames.size(0) == 3);
  CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 2);  // no temporary is left
}

TEST_CASE("video_file: scale, strips, f32, quality") {
  const TemporaryFolder folder;
  const Tensor clip = noise_clip(3, 2, 4);
  write_clip(folder / "clip.png", clip, 8, {.scale = 3});
  const data::VideoFrames strip = read_clip(folder / "clip.png");
  CHECK(strip.frames.shape() == Shape{1, 3, 6, 36});
  CHECK(strip.fps == data::default_fps);
  bool same = true;
  for (int64_t f = 0; f < 3; ++f) {
    for (int64_t c = 0; c < 3; ++c) {
      for (int64_t y = 0; y < 6; ++y) {
        for (int64_t x = 0; x < 12; ++x) {
          same = same && strip.frames.data<uint8_t>()[(c * 6 + y) * 36 + f * 12 + x] ==
                             clip.data<uint8_t>()[((f * 3 + c) * 2 + y / 3) * 4 + x / 3];
        }
      }
    }
  }
  CHECK(same);

  write_clip(folder / "clip", data::to_unit_range(clip), 8);
  CHECK(largest_difference(read_clip(folder / "clip").frames, clip) == 0);
  write_clip(folder / "clip", clip.transpose(2, 3), 8);  // other strides
  CHECK(read_clip(folder / "clip").frames.shape() == Shape{3, 3, 4, 2});

  const Tensor noise = noise_clip(4, 32, 32);
  write_clip(folder / "full.webp", noise, 8);
  write_clip(folder / "half.webp", noise, 8, {.webp_quality = 50});
  CHECK(bytes_of(folder / "half.webp") < bytes_of(folder / "full.webp") / 2);
  const Tensor square = square_clip(4, 32, 32);
  write_clip(folder / "high.webp", square, 8, {.webp_quality = 95});
  const data::VideoFrames lossy = read_clip(folder / "high.webp");
  CHECK(lossy.fps == 8);
  double sum = 0;
  for (int64_t i = 0; i < square.numel(); ++i)
    sum += std::abs(double(lossy.frames.data<uint8_t>()[i]) - square.data<uint8_t>()[i]);
  CHECK(sum / static_cast<double>(square.numel()) < 4);
}

TEST_CASE("video_file: frames after the first take only the room of what changes") {
  const TemporaryFolder folder;
  for (const char* name : {"clip.gif", "clip.webp"}) {
    CAPTURE(name);
    const Tensor still = noise_clip(1, 48, 48);
    write_clip(folder / name, still, 8);
    const int64_t one = bytes_of(folder / name);
    Tensor clip({4, 3, 48, 48}, DType::u8);
    for (int64_t f = 0; f < 4; ++f)
      std::copy_n(still.data<uint8_t>(), still.numel(), clip.mutable_data<uint8_t>() + f * still.numel());
    clip.mutable_data<uint8_t>()[2 * still.numel() + 48 * 31 + 17] ^= 0x55;
    write_clip(folder / name, clip, 8);
    CHECK(bytes_of(folder / name) < one + 400);
    const Tensor back = read_clip(folder / name).frames;
    if (name[5] == 'w') CHECK(largest_difference(back, clip) == 0);
  }
}

TEST_CASE("video_file: what cannot be written is refused before anything is") {
  const TemporaryFolder folder;
  const Tensor clip = noise_clip(2, 4, 4);
  const auto refusal = [&](const std::string& name, const Tensor& frames, double fps,
                           const data::WriteClipOptions& options = {}) {
    return message_of<Error>([&] { write_clip(folder / name, frames, fps, options); });
  };
  CHECK(contains(refusal("a.xyz", clip, 8), "a.xyz: its ending is not one of a video known here: .gif, .webp"));
  CHECK(contains(refusal("a.mpeg", clip, 8), "its ending is not one"));
  CHECK(contains(refusal("a.gif", clip, 60), "at most 50 frames a second"));
  CHECK(contains(refusal("a.webp", clip, 51), "at most 50 frames a second"));
  CHECK(contains(refusal("a.gif", clip, 0), "frames a second must be"));
  CHECK(contains(refusal("a.gif", clip, std::nan("")), "frames a second must be"));
  CHECK(contains(refusal("a.gif", clip, 8, {.scale = 0}), "scale must be 1 to 64"));
  CHECK(contains(refusal("a.webp", clip, 8, {.webp_quality = 101}), "webp_quality must be 0 to 100"));
  CHECK(contains(refusal("a.gif", noise_clip(0, 4, 4), 8), "at least one frame"));
  CHECK(contains(refusal("a.gif", clip.select(0, 0), 8), "[F, 3, H, W], got"));
  CHECK(contains(refusal("a.gif", zeros({2, 1, 4, 4}, DType::u8), 8), "[F, 3, H, W], got"));
  CHECK(contains(refusal("a.gif", zeros({2, 3, 4, 4}, DType::i64), 8), "takes u8, or f32"));
  CHECK(contains(refusal("a.gif", Tensor(), 8), "undefined"));
  CHECK(contains(refusal("a.gif", full({1, 3, 2, 2}, std::nan("")), 8), "not a number"));
  CHECK(contains(refusal("a.gif", zeros({1, 3, 1, 200}, DType::u8), 8, {.scale = 64}), "at scale 64"));
  CHECK(contains(refusal("a.png", zeros({40, 3, 1, 1000}, DType::u8), 8), "a strip of 40 frames"));
  CHECK(contains(refusal("absent/a.gif", clip, 8), "cannot create a file in"));
  CHECK(fs::is_empty(folder.path()));
  CHECK(message_of<Error>([] { data::check_clip_output("b.webp"); }) == "");
  CHECK(contains(message_of<ConfigError>([] { data::check_clip_output("b.doc"); }), "cannot write b.doc"));
  CHECK(contains(message_of<ConfigError>([] { data::check_clip_output(""); }), "empty"));
}

TEST_CASE("video_file: a write that fails leaves the old file") {
  const TemporaryFolder folder;
  const Tensor old_clip = noise_clip(2, 4, 4);
  write_clip(folder / "clip.webp", old_clip, 8);
  set_io_hook([](const char* call, size_t&) { return std::string(call) == "rename" ? ENOSPC : 0; });
  const std::string message = message_of<IoError>([&] { write_clip(folder / "clip.webp", noise_clip(3, 5, 5), 8); });
  set_io_hook({});
  CHECK(contains(message, "cannot write " + folder / "clip.webp"));
  CHECK(largest_difference(read_clip(folder / "clip.webp").frames, old_clip) == 0);
}

TEST_CASE("video_file: what is no clip is refused with path and reason") {
  const TemporaryFolder folder;
  for (const char* name : {"a.gif", "a.webp", "a.y4m", "a.png", "a.mp4", "absent"}) {
    const std::string message = refusal_to_read(folder / name);
    CAPTURE(message);
    CHECK(contains(message, folder / name));
    CHECK((contains(message, "No such file") || contains(message, "no such file")));
  }
  for (const char* name : {"a.gif", "a.webp", "a.y4m", "a.png"}) {
    write_bytes(folder / name, "");
    CHECK(contains(refusal_to_read(folder / name), folder / name + ": it is not a"));
    write_bytes(folder / name, "no image at all, but text that is long enough for a header");
    CHECK(contains(refusal_to_read(folder / name), folder / name + ": it is not a"));
  }
  write_bytes(folder / "a.txt", "x");
  CHECK(contains(refusal_to_read(folder / "a.txt"), "its ending is not one of a video known here"));
  REQUIRE(::mkfifo((folder / "pipe.gif").c_str(), 0600) == 0);  // must not be waited for
  CHECK(contains(refusal_to_read(folder / "pipe.gif"), "it is not a regular file"));

  fs::create_directory(folder / "empty");
  CHECK(contains(refusal_to_read(folder / "empty"), "holds no PNG file"));
  write_clip(folder / "frames", noise_clip(2, 3, 4), 8);
  write_bytes(folder / "frames/fps.txt", "fast\n");
  CHECK(contains(refusal_to_read(folder / "frames"), "fps.txt: it does not hold one positive number"));
  write_bytes(folder / "frames/fps.txt", "-1\n");
  CHECK(contains(refusal_to_read(folder / "frames"), "fps.txt: it does not hold one positive number"));
  data::write_png(folder / "frames/z.png", full({3, 3, 5}, 1, DType::u8));
  CHECK(contains(refusal_to_read(folder / "frames"), "z.png has 5 x 3 pixels, but frame_0000.png has 4 x 3"));

  CHECK(data::is_clip_path(folder / "a.gif"));
  CHECK(data::is_clip_path("absent.MP4"));
  CHECK(data::is_clip_path(folder / "empty"));
  CHECK_FALSE(data::is_clip_path(folder / "a.txt"));
  CHECK_FALSE(data::is_clip_path("absent"));
}
