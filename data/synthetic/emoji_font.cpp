#include <ditharos/data/synthetic/emoji_font.h>

#include <algorithm>
#include <string_view>

#include <ditharos/data/codecs/png.h>
#include <ditharos/tensor/io/file.h>

namespace ditharos::data {
namespace {

constexpr uint64_t largest_font = uint64_t{256} << 20;

/// Big-endian numbers in a part of a file; reading beyond its end is an IoError.
class Table {
 public:
  Table(const std::string& bytes, const std::string& path, uint64_t begin, uint64_t length)
      : bytes_(bytes), path_(path), begin_(begin), length_(length) {
    check<IoError>(begin <= bytes.size() && length <= bytes.size() - begin, "cannot read ", path, ": a table of ",
                   length, " bytes at ", begin, " reaches beyond its end");
  }

  uint64_t number(uint64_t at, uint64_t size) const {
    check<IoError>(at <= length_ && size <= length_ - at, "cannot read ", path_, ": a table ends after ", length_,
                   " bytes, but byte ", at + size, " is needed");
    uint64_t value = 0;
    for (uint64_t k = 0; k < size; ++k) value = value << 8 | static_cast<uint8_t>(bytes_[begin_ + at + k]);
    return value;
  }
  uint64_t u8(uint64_t at) const { return number(at, 1); }
  uint64_t u16(uint64_t at) const { return number(at, 2); }
  uint64_t u32(uint64_t at) const { return number(at, 4); }
  /// The rest of this table from `at` on.
  Table from(uint64_t at) const {
    check<IoError>(at <= length_, "cannot read ", path_, ": a table ends after ", length_, " bytes, but byte ", at,
                   " is needed");
    return {bytes_, path_, begin_ + at, length_ - at};
  }
  std::string_view text(uint64_t at, uint64_t size) const {
    number(at + size, 0);  // the check
    return std::string_view(bytes_).substr(begin_ + at, size);
  }

 private:
  const std::string& bytes_;
  const std::string& path_;
  uint64_t begin_, length_;
};

}  // namespace

EmojiFont::EmojiFont(const std::string& path) : path_(path), bytes_(read_file(path, largest_font)) {
  const Table file(bytes_, path_, 0, bytes_.size());
  check<IoError>(bytes_.size() >= 12 && file.u32(0) == 0x00010000, "cannot read ", path, ": it is no TrueType font");
  const auto find = [&](std::string_view tag) {
    for (uint64_t k = 0; k < file.u16(4); ++k) {
      const uint64_t record = 12 + 16 * k;
      if (file.text(record, 4) == tag) return std::pair(file.u32(record + 8), file.u32(record + 12));
    }
    fail<IoError>("cannot read ", path_, ": it has no table ", std::string(tag), ", so it holds no images");
  };
  const auto [images, images_length] = find("CBDT");
  const auto [locations, locations_length] = find("CBLC");
  const auto [characters, characters_length] = find("cmap");
  read_characters(characters, characters_length);
  read_runs(locations, locations_length, images, images_length);
}

void EmojiFont::read_characters(uint64_t begin, uint64_t length) {
  const Table table(bytes_, path_, begin, length);
  for (uint64_t k = 0; k < table.u16(2); ++k) {
    const Table map = table.from(table.u32(4 + 8 * k + 4));
    if (map.u16(0) != 12) continue;
    const uint64_t groups = map.u32(12);
    for (uint64_t g = 0; g < groups; ++g) {
      const uint64_t at = 16 + 12 * g;
      ranges_.push_back({static_cast<uint32_t>(map.u32(at)), static_cast<uint32_t>(map.u32(at + 4)),
                         static_cast<uint32_t>(map.u32(at + 8))});
    }
    return;
  }
  fail<IoError>("cannot read ", path_, ": its characters are listed in no format that is known here (12)");
}

void EmojiFont::read_runs(uint64_t begin, uint64_t length, uint64_t images, uint64_t images_length) {
  const Table table(bytes_, path_, begin, length);
  const Table bodies(bytes_, path_, images, images_length);
  const uint64_t sizes = table.u32(4);
  uint64_t largest = 0, strike = 0;  // the size with the most pixels to an em
  for (uint64_t k = 0; k < sizes; ++k) {
    const uint64_t pixels = table.u8(8 + 48 * k + 44);
    if (pixels > largest) largest = pixels, strike = 8 + 48 * k;
  }
  check<IoError>(largest > 0, "cannot read ", path_, ": it has images of no size");
  const Table list = table.from(table.u32(strike));
  const uint64_t entries = table.u32(strike + 8);
  uint64_t glyphs = 0;
  for (uint64_t k = 0; k < entries; ++k) {
    const uint64_t first = list.u16(8 * k), last = list.u16(8 * k + 2);
    const Table index = list.from(list.u32(8 * k + 4));
    const uint64_t index_format = index.u16(0), offset_size = index_format == 1 ? 4 : 2;
    if ((index_format != 1 && index_format != 3) || last < first) continue;  // equal sizes: not used for PNG
    glyphs += last - first + 1;
    check<IoError>(glyphs <= 65536, "cannot read ", path_, ": it lists images of ", glyphs,
                   " glyphs, more than a font can have");
    Run run{static_cast<uint32_t>(first), static_cast<uint16_t>(index.u16(2)), {}};
    for (uint64_t glyph = 0; glyph <= last - first + 1; ++glyph) {
      const uint64_t offset = index.u32(4) + index.number(8 + offset_size * glyph, offset_size);
      bodies.number(offset, 0);  // the check
      check<IoError>(run.offsets.empty() || images + offset >= run.offsets.back(), "cannot read ", path_,
                     ": the images of glyph ", first + glyph, " and the one before overlap");
      run.offsets.push_back(images + offset);
    }
    runs_.push_back(std::move(run));
  }
}

std::optional<Tensor> EmojiFont::image(char32_t character) const {
  const auto range = std::find_if(ranges_.begin(), ranges_.end(),
                                  [&](const Range& r) { return character >= r.first && character <= r.last; });
  if (range == ranges_.end()) return std::nullopt;
  const uint64_t glyph = uint64_t{range->first_glyph} + character - range->first;
  for (const Run& run : runs_) {
    if (glyph < run.first_glyph || glyph - run.first_glyph + 1 >= run.offsets.size()) continue;
    const uint64_t begin = run.offsets[glyph - run.first_glyph], end = run.offsets[glyph - run.first_glyph + 1];
    if (begin == end) return std::nullopt;
    const Table body(bytes_, path_, begin, end - begin);
    // Small metrics, big metrics, or none precede the length of the PNG.
    check<IoError>(run.image_format >= 17 && run.image_format <= 19, "cannot read ", path_, ": glyph ", glyph,
                   " has the image format ", run.image_format, ", known are 17, 18 and 19");
    const uint64_t metrics = run.image_format == 17 ? 5 : run.image_format == 18 ? 8 : 0;
    const std::string name = path_ + " (glyph " + std::to_string(glyph) + ")";
    return decode_png(body.text(metrics + 4, body.u32(metrics)), 4, name);
  }
  return std::nullopt;
}

}  // namespace ditharos::data
