// JPEG and still WebP files, against what Pillow reads (tests/golden/make_image_golden.py).
#include <doctest/doctest.h>

#include <cstdlib>

#include <ditharos/data/codecs/exif.h>
#include <ditharos/data/codecs/image_file.h>
#include <ditharos/data/codecs/jpeg.h>
#include <ditharos/data/codecs/png.h>
#include <ditharos/data/image/resize.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/io/file.h>
#include "tests/support/data_files.h"
#include "tests/support/golden.h"
#include "tests/support/paths.h"

namespace ditharos::test_jpeg {

using namespace ditharos::tests;

namespace {

std::string stored(const std::string& name) { return read_file(golden_folder() + "/images/" + name, 1 << 16); }

/// The largest difference of two images of bytes; 256 where the shapes differ.
int64_t furthest(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape()) return 256;
  const std::vector<int64_t> x = a.to_vector<int64_t>(), y = b.to_vector<int64_t>();
  int64_t most = 0;
  for (size_t i = 0; i < x.size(); ++i) most = std::max(most, std::abs(x[i] - y[i]));
  return most;
}

/// A smooth image, which a JPEG keeps nearly as it is.
Tensor slope(int64_t channels, int64_t height, int64_t width) {
  Tensor image({channels, height, width}, DType::u8);
  uint8_t* to = image.mutable_data<uint8_t>();
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t y = 0; y < height; ++y)
      for (int64_t x = 0; x < width; ++x) *to++ = static_cast<uint8_t>(20 + 40 * c + 90 * y / height + 50 * x / width);
  return image;
}

std::string refusal(const std::string& bytes, int64_t max_pixels = data::default_max_pixels) {
  return message_of<IoError>([&] { data::decode_jpeg(bytes, 3, "a.jpg", max_pixels); });
}
std::string be16(int value) { return {static_cast<char>(value >> 8), static_cast<char>(value & 255)}; }

/// `bytes` with another height and width in its first frame header.
std::string with_size(std::string bytes, int height, int width) {
  for (size_t at = 2; at + 9 < bytes.size();) {
    const int marker = static_cast<unsigned char>(bytes[at + 1]);
    if (marker >= 0xc0 && marker <= 0xc2) return bytes.replace(at + 5, 4, be16(height) + be16(width));
    at += 2 + static_cast<unsigned char>(bytes[at + 2]) * 256u + static_cast<unsigned char>(bytes[at + 3]);
  }
  return "";
}

}  // namespace

TEST_CASE("image files: the pixels that Pillow reads") {
  const Golden golden("images.safetensors");
  std::vector<std::string> names{"gray.jpg", "progressive.jpg", "full_chroma.jpg", "palette.png", "lossless.webp"};
  for (int orientation = 1; orientation <= 8; ++orientation)
    names.push_back("orientation" + std::to_string(orientation) + ".jpg");
  for (const std::string& name : names) {
    CAPTURE(name);
    const Tensor want = golden.at("decoded." + name), got = data::decode_image(stored(name), 3, name);
    CHECK(furthest(got, want) == 0);
    const data::ImageInfo info = data::image_info(stored(name), name);
    CHECK(Shape{3, info.height, info.width} == want.shape());
    CHECK(info.color == (name != "gray.jpg"));
  }
  CHECK(furthest(data::decode_image(stored("gray.jpg"), 1, "a"), golden.at("gray.gray.jpg")) == 0);
  CHECK(furthest(data::decode_image(stored("cmyk.jpg"), 3, "a"), golden.at("decoded.cmyk.jpg")) <= 1);
  for (const auto& [name, ground] :
       {std::pair<std::string, data::Color>{"white", data::white}, {"orange", {255, 128, 0}}}) {
    for (const char* file : {"transparent.png", "transparent.webp"}) {
      CAPTURE(file);
      const Tensor got = data::decode_image(stored(file), 3, file, {.background = ground});
      CHECK(furthest(got, golden.at("over." + name)) <= 1);
    }
  }
}

TEST_CASE("resize: Lanczos as Pillow has it, to one level") {
  const Golden golden("images.safetensors");
  const Tensor source = golden.at("source");
  for (const auto& [height, width] : {std::pair<int64_t, int64_t>{16, 16}, {20, 31}, {61, 40}, {100, 150}, {5, 83}}) {
    const std::string size = std::to_string(height) + "x" + std::to_string(width);
    CAPTURE(size);
    const auto lanczos = data::Resample::lanczos;
    CHECK(furthest(data::center_crop_resize(source, height, width, lanczos), golden.at("lanczos.crop." + size)) <= 1);
    CHECK(furthest(data::stretch(source, height, width, lanczos), golden.at("lanczos.stretch." + size)) <= 1);
  }
  const Tensor flat = full({3, 7, 5}, 200, DType::u8);
  CHECK(furthest(data::stretch(flat, 11, 3, data::Resample::lanczos), full({3, 11, 3}, 200, DType::u8)) == 0);
  CHECK(furthest(data::stretch(source, 61, 83, data::Resample::lanczos), source) == 0);
}

TEST_CASE("jpeg: what is written is read again, gray and in colours, up to its losses") {
  for (const int64_t channels : {1, 3}) {
    for (const auto& [height, width] : {std::pair<int64_t, int64_t>{1, 1}, {28, 28}, {5, 33}, {200, 3}, {300, 400}}) {
      const Tensor image = slope(channels, height, width);
      const std::string bytes = data::encode_jpeg(image, 95, "a.jpg");
      CHECK(furthest(data::decode_jpeg(bytes, channels, "a.jpg"), image) <= 6);
      const data::JpegInfo info = data::jpeg_info(bytes, "a.jpg");
      CHECK((info.width == width && info.height == height && info.color == (channels == 3) && info.orientation == 1));
    }
  }
  CHECK(data::encode_jpeg(slope(3, 64, 64), 20, "a").size() < data::encode_jpeg(slope(3, 64, 64), 99, "a").size());
  CHECK_THROWS_AS(data::encode_jpeg(zeros({3, 2, 2}), 90, "a"), DTypeError);
  CHECK_THROWS_AS(data::encode_jpeg(zeros({2, 2, 2}, DType::u8), 90, "a"), ShapeError);
  CHECK_THROWS_AS(data::encode_jpeg(zeros({1, 0, 2}, DType::u8), 90, "a"), ShapeError);
  CHECK_THROWS_AS(data::encode_jpeg(zeros({1, 1, 65501}, DType::u8), 90, "a"), ShapeError);
  CHECK_THROWS_AS(data::encode_jpeg(zeros({1, 2, 2}, DType::u8), 0, "a"), ConfigError);
  CHECK_THROWS_AS(data::decode_jpeg(stored("gray.jpg"), 4, "a"), ShapeError);
}

TEST_CASE("jpeg: a file cut off at any length is refused") {
  for (const char* name : {"progressive.jpg", "orientation6.jpg", "cmyk.jpg"}) {
    const std::string whole = stored(name);
    REQUIRE(refusal(whole).empty());
    for (size_t length = 0; length < whole.size(); ++length) {
      CAPTURE(length);
      CHECK(refusal(whole.substr(0, length)).starts_with("cannot read a.jpg: "));
    }
    CHECK(refusal(whole + "bytes behind the image").empty());
  }
}

TEST_CASE("jpeg: damaged and hostile files are refused with the reason") {
  const std::string whole = data::encode_jpeg(slope(3, 64, 64), 90, "a.jpg");
  CHECK(contains(refusal("GIF89a"), "it is not a JPEG file"));
  CHECK(contains(refusal(with_size(whole, 60000, 60000)), "more than the 33554432 in all that are decoded"));
  CHECK(contains(refusal(with_size(whole, 5000, 6000)), "more than a file of " + std::to_string(whole.size())));
  CHECK(contains(refusal(with_size(whole, 65, 64)), "its data are damaged or cut off"));
  CHECK(contains(refusal(with_size(whole, 0, 64)), "cannot read a.jpg"));
  CHECK(contains(refusal(whole, 64 * 64 - 1), "1 image of 64 x 64 pixels"));
  CHECK(refusal(whole, 64 * 64).empty());
  std::string other = whole;
  other.replace(other.find("\xff\xc0") + 4, 1, 1, '\x0c');  // bits of a sample
  CHECK(contains(refusal(other), "12"));
}

TEST_CASE("jpeg: a progressive image with thousands of scans is refused") {
  // A scan that refines nothing: the last one of a progressive image, again and again.
  const std::string whole = stored("progressive.jpg");
  const size_t last = whole.rfind("\xff\xda"), end = whole.rfind("\xff\xd9");
  REQUIRE(last != std::string::npos);
  const std::string scan = whole.substr(last, end - last);
  std::string bomb = whole.substr(0, last);
  for (int i = 0; i < 2000; ++i) bomb += scan;
  CHECK(refusal(bomb + "\xff\xd9") == "cannot read a.jpg: it has more than 100 scans");
}

TEST_CASE("exif: the orientation in both orders of bytes, and 1 for what is damaged") {
  const auto segment = [](bool big, int value, int tag = 0x0112, int type = 3) {
    const auto number = [&](int n, int bytes) {
      std::string text;
      for (int i = 0; i < bytes; ++i) text += static_cast<char>(n >> 8 * (big ? bytes - 1 - i : i) & 255);
      return text;
    };
    return std::string("Exif\0\0", 6) + (big ? "MM" : "II") + number(42, 2) + number(8, 4) + number(2, 2) +
           number(0x0100, 2) + number(3, 2) + number(1, 4) + number(7, 2) + number(0, 2) + number(tag, 2) +
           number(type, 2) + number(1, 4) + number(value, 2) + number(0, 2) + number(0, 4);
  };
  for (const bool big : {false, true}) {
    for (int value = 1; value <= 8; ++value) CHECK(data::exif_orientation(segment(big, value)) == value);
    for (const int value : {0, 9, 300}) CHECK(data::exif_orientation(segment(big, value)) == 1);
    CHECK(data::exif_orientation(segment(big, 6, 0x0113)) == 1);
    CHECK(data::exif_orientation(segment(big, 6, 0x0112, 4)) == 1);
    const std::string whole = segment(big, 6);
    for (size_t length = 0; length < whole.size(); ++length) {
      const int value = data::exif_orientation(whole.substr(0, length));
      CHECK((value == 1 || value == 6));
    }
    std::string endless = whole;
    endless.replace(14, 2, 2, '\xff');  // entries
    CHECK(data::exif_orientation(endless) == 6);
    endless.replace(10, 4, 4, '\xff');  // where they begin
    CHECK(data::exif_orientation(endless) == 1);
  }
}

TEST_CASE("image files: the contents decide on the format, and other formats are named") {
  const std::string jpeg = stored("gray.jpg"), png = stored("palette.png"), webp = stored("lossless.webp");
  CHECK(data::image_info(jpeg, "a.png").format == data::ImageFormat::jpeg);
  CHECK(data::image_info(png, "a.jpg").format == data::ImageFormat::png);
  CHECK(data::image_info(webp, "a.jpg").format == data::ImageFormat::webp);
  const auto refused = [](const std::string& bytes) {
    return message_of<IoError>([&] { static_cast<void>(data::image_info(bytes, "a.jpg")); });
  };
  CHECK(refused("") == "cannot read a.jpg: the file is empty");
  CHECK(refused("GIF89a...") == "cannot read a.jpg: it is a GIF image; PNG, JPEG and WebP are read");
  CHECK(contains(refused(std::string("\0\0\0\x18", 4) + "ftypheic"), "it is a HEIC image"));
  CHECK(refused("hello") == "cannot read a.jpg: it is no image; PNG, JPEG and WebP are read");
  for (size_t length = 0; length < webp.size(); ++length) CHECK_FALSE(refused(webp.substr(0, length)).empty());
  for (const char* name : {"a.png", "a.JPG", "b.jpeg", "c.JFIF", "d.webp"}) CHECK(data::is_image_name(name));
  for (const char* name : {"a.gif", "jpg", "a.jpg.txt", "a"}) CHECK_FALSE(data::is_image_name(name));
  CHECK(data::parse_color("#0a80ff", "background") == data::Color{10, 128, 255});
  CHECK(data::parse_color("black", "background") == data::Color{0, 0, 0});
  for (const char* text : {"", "red", "#12345", "#12345g", "#1234567", "123456"})
    CHECK(contains(message_of<ConfigError>([&] { static_cast<void>(data::parse_color(text, "background")); }),
                   "background: \"" + std::string(text) + "\" is not a colour"));
}

}  // namespace ditharos::test_jpeg
