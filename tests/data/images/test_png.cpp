#include <doctest/doctest.h>

#include <cerrno>
#include <filesystem>

#include <ditharos/data/codecs/png.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/view.h>
#include "tests/support/data_files.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::tests;

namespace {

Tensor counting_image(int64_t channels, int64_t height, int64_t width) {
  Tensor image({channels, height, width}, DType::u8);
  for (int64_t i = 0; i < image.numel(); ++i) image.mutable_data<uint8_t>()[i] = static_cast<uint8_t>(i * 7);
  return image;
}
std::vector<int64_t> decoded(const PngParts& parts, int64_t channels) {
  return data::decode_png(parts.bytes(), channels, "test.png").to_vector<int64_t>();
}
using Values = std::vector<int64_t>;
std::string raw(std::initializer_list<int> values) {
  std::string bytes;
  for (const int value : values) bytes += static_cast<char>(value);
  return bytes;
}

/// Two gray pixels, 10 and 200, under each other.
PngParts two_pixels() { return {.width = 1, .height = 2, .lines = raw({0, 10, 0, 200})}; }

}  // namespace

TEST_CASE("png: what is written is read back to the byte") {
  TemporaryFolder folder;
  for (const int64_t channels : {1, 3}) {
    for (const auto& [height, width] : {std::pair<int64_t, int64_t>{1, 1}, {28, 28}, {5, 33}, {200, 3}}) {
      const Tensor image = counting_image(channels, height, width);
      data::write_png(folder / "a.png", image);
      const Tensor back = data::read_png(folder / "a.png", channels);
      CHECK(back.shape() == image.shape());
      CHECK(back.to_vector<int64_t>() == image.to_vector<int64_t>());
      const auto info = data::png_info(data::read_png_file(folder / "a.png"), "a.png");
      CHECK((info.width == width && info.height == height && info.color == (channels == 3)));
    }
  }
  const Tensor transposed = views::permute(counting_image(1, 4, 6), {0, 2, 1});
  data::write_png(folder / "t.png", transposed);
  CHECK(data::read_png(folder / "t.png", 1).to_vector<int64_t>() == transposed.to_vector<int64_t>());
}

TEST_CASE("png: every depth and colour type becomes eight-bit gray or RGB") {
  const PngParts one_bit{.width = 3, .height = 1, .depth = 1, .lines = raw({0, 0b10100000})};
  CHECK(decoded(one_bit, 1) == Values{255, 0, 255});
  const PngParts four_bit{.width = 2, .height = 1, .depth = 4, .lines = raw({0, 0x1f})};
  CHECK(decoded(four_bit, 3) == Values{17, 255, 17, 255, 17, 255});
  const PngParts deep{.width = 2, .height = 1, .depth = 16, .lines = raw({0, 0x80, 0xff, 0xff, 0xff})};
  CHECK(decoded(deep, 1) == Values{128, 255});
  const PngParts rgb{.width = 1, .height = 1, .color_type = 2, .lines = raw({0, 255, 100, 0})};
  CHECK(decoded(rgb, 3) == Values{255, 100, 0});
  CHECK(decoded(rgb, 1) == Values{135});  // 0.299 * 255 + 0.587 * 100 = 134.9
  const PngParts palette{.width = 2,
                         .height = 1,
                         .color_type = 3,
                         .lines = raw({0, 1, 0}),
                         .before_data = png_chunk("PLTE", raw({1, 2, 3, 40, 50, 60}))};
  CHECK(decoded(palette, 3) == Values{40, 1, 50, 2, 60, 3});
  CHECK(data::png_info(palette.bytes(), "p").color);
  const PngParts gray_alpha{.width = 3, .height = 1, .color_type = 4, .lines = raw({0, 50, 255, 50, 0, 0, 128})};
  CHECK(decoded(gray_alpha, 1) == Values{50, 255, 127});  // opaque, white shows, half of it shows
  const PngParts rgba{.width = 1, .height = 1, .color_type = 6, .lines = raw({0, 1, 2, 3, 0})};
  CHECK(decoded(rgba, 3) == Values{255, 255, 255});
  const PngParts see_through{
      .width = 2, .height = 1, .lines = raw({0, 7, 8}), .before_data = png_chunk("tRNS", raw({0, 7}))};
  CHECK(decoded(see_through, 1) == Values{255, 8});
  // Adam7: pixel (0, 0) is pass 1, (0, 1) pass 6, the second line pass 7.
  const PngParts interlaced{.width = 2, .height = 2, .interlace = 1, .lines = raw({0, 1, 0, 2, 0, 3, 4})};
  CHECK(decoded(interlaced, 1) == Values{1, 2, 3, 4});
}

TEST_CASE("R9: damaged PNG files are refused with the name and the reason") {
  const PngParts good = two_pixels();
  REQUIRE(decoded(good, 1) == Values{10, 200});
  const std::string bytes = good.bytes();
  const auto with = [&](auto change) {
    PngParts parts = good;
    change(parts);
    return parts.bytes();
  };
  std::string flipped_signature = bytes, flipped_size = bytes, flipped_sum = bytes, flipped_crc = bytes;
  flipped_signature[0] ^= 1;
  flipped_size[19] ^= 2;
  flipped_sum[bytes.size() - 12 - 5] ^= 1;  // before the empty last chunk and the CRC: zlib's check sum
  flipped_crc[bytes.size() - 12 - 1] ^= 1;
  const std::string header = PngParts::signature() + png_chunk("IHDR", good.header());
  const std::string stream = deflated(good.lines, 15), end = png_chunk("IEND", "");
  struct Damage {
    std::string name, bytes, reason;
  };
  const std::vector<Damage> damages = {
      {"empty", "", "not a PNG"},
      {"jpeg", raw({0xff, 0xd8, 0xff, 0xe0, 0, 0, 0, 0, 0, 0}), "not a PNG"},
      {"flipped_signature", flipped_signature, "not a PNG"},
      {"signature_only", PngParts::signature(), "cut off"},
      {"header_cut", bytes.substr(0, 20), "cut off"},
      {"header_crc", flipped_size, "CRC error"},
      {"no_header", PngParts::signature() + png_chunk("IDAT", stream) + end, "Missing IHDR"},
      {"no_data", header + end, "IEND: out of place"},
      {"data_cut", bytes.substr(0, bytes.size() - 20), "cut off"},
      {"no_end", bytes.substr(0, bytes.size() - 12), "cut off"},
      {"data_sum", flipped_sum, "incorrect data check"},
      {"data_crc", flipped_crc, "CRC error"},
      {"width_0", with([](PngParts& p) { p.width = 0; }), "Invalid IHDR data"},
      {"height_0", with([](PngParts& p) { p.height = 0; }), "Invalid IHDR data"},
      {"width_max", with([](PngParts& p) { p.width = 0xffffffff; }), "cannot read"},
      {"too_wide", with([](PngParts& p) { p.width = 40000; }), "40000 x 2 pixels, more than 32768"},
      {"too_many", with([](PngParts& p) { p.width = p.height = 32768; }), "32768 x 32768 pixels, more than"},
      {"promise", with([](PngParts& p) { p.width = p.height = 4000; }), "more than a file of"},
      {"depth_3", with([](PngParts& p) { p.depth = 3; }), "Invalid IHDR data"},
      {"color_type_5", with([](PngParts& p) { p.color_type = 5; }), "Invalid IHDR data"},
      {"interlace_9", with([](PngParts& p) { p.interlace = 9; }), "Invalid IHDR data"},
      {"no_palette", with([](PngParts& p) { p.color_type = 3; }), "PLTE"},
      {"filter_9", with([](PngParts& p) { p.lines[0] = 9; }), "bad adaptive filter value"},
      {"line_missing", with([](PngParts& p) { p.lines.resize(2); }), "Not enough image data"},
      {"not_deflated", header + png_chunk("IDAT", "nonsense") + end, "incorrect header check"},
      {"unknown_critical", header + png_chunk("ABCD", "x") + png_chunk("IDAT", stream) + end,
       "unhandled critical chunk"},
      {"chunk_length", header + be32(0xffffffff) + "IDAT" + stream, "cannot read"},
  };
  for (const Damage& damage : damages) {
    CAPTURE(damage.name);
    const std::string message = message_of<IoError>([&] { data::decode_png(damage.bytes, 1, "folder/a.png"); });
    CAPTURE(message);
    CHECK(contains(message, "cannot read folder/a.png: "));
    CHECK(contains(message, damage.reason));
  }
  for (size_t n = 0; n < bytes.size(); ++n) {
    CHECK_THROWS_AS(data::decode_png(std::string_view(bytes).substr(0, n), 3, "a"), IoError);
  }
}

TEST_CASE("png: no flipped bit crashes the reader") {
  const std::string good = data::encode_png(counting_image(3, 6, 5), "a");
  int refused = 0;
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string flipped = good;
    flipped[bit / 8] ^= static_cast<char>(1 << bit % 8);
    refused += !message_of<IoError>([&] { data::decode_png(flipped, 3, "a"); }).empty();
  }
  // Every chunk has a CRC. Only a name that then belongs to no chunk that matters could pass: the CRC covers it too.
  CHECK(refused == static_cast<int>(good.size() * 8));
}

TEST_CASE("png: a failed write names the file and leaves the old one") {
  TemporaryFolder folder;
  const std::string path = folder / "a.png";
  const Tensor image = counting_image(1, 8, 8);
  data::write_png(path, image);
  const std::string before = read_file(path, 1 << 20);

  const auto refusal = [&](const std::string& to) {
    return message_of<IoError>([&] { data::write_png(to, counting_image(3, 40, 40)); });
  };
  set_io_hook([](const char* call, size_t&) { return std::string(call) == "write" ? ENOSPC : 0; });
  const std::string full = refusal(path);
  set_io_hook({});
  CHECK(contains(full, path));
  CHECK(contains(full, "No space left"));
  CHECK(read_file(path, 1 << 20) == before);
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);

  CHECK(contains(refusal("/dev/full"), "/dev/full"));
  CHECK(contains(refusal(folder.path()), folder.path()));
  CHECK(contains(refusal(folder / "absent/a.png"), "absent/a.png"));
  CHECK(contains(message_of<IoError>([&] { data::read_png(folder / "absent.png", 1); }), "absent.png"));
}

TEST_CASE("png: tensors that are no image are refused") {
  CHECK_THROWS_AS(data::encode_png(zeros({1, 2, 2}), "a"), DTypeError);
  CHECK_THROWS_AS(data::encode_png(zeros({2, 2, 2}, DType::u8), "a"), ShapeError);
  CHECK_THROWS_AS(data::encode_png(zeros({2, 2}, DType::u8), "a"), ShapeError);
  CHECK_THROWS_AS(data::encode_png(zeros({1, 0, 2}, DType::u8), "a"), ShapeError);
  CHECK_THROWS_AS(data::encode_png(zeros({1, 1, 32769}, DType::u8), "a"), ShapeError);
  CHECK_THROWS_AS(data::decode_png(two_pixels().bytes(), 2, "a"), ShapeError);
}
