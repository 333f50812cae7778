#pragma once
// Internal to data/synthetic/.
// Fonts whose glyphs are PNG images, as Noto Color Emoji's.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ditharos/tensor/tensor.h>

namespace ditharos::data {

/// An OpenType font with the tables cmap (format 12), CBLC and CBDT (formats 17, 18 and 19, PNG), as the OpenType
/// specification describes them. Other contents of a font, such as sequences of characters and outlines, are not used.
class EmojiFont {
 public:
  /// Reads the font's largest images; IoError with the path and the reason when it is missing, no such font, or
  /// damaged.
  explicit EmojiFont(const std::string& path);

  /// The image of a character, u8 [4, H, W]: red, green, blue and opacity. None when the font does not have it.
  /// IoError when its bytes are damaged.
  std::optional<Tensor> image(char32_t character) const;

 private:
  /// Glyphs with consecutive numbers and adjacent images.
  struct Run {
    uint32_t first_glyph = 0;
    uint16_t image_format = 0;
    std::vector<uint64_t> offsets;  // into bytes_; one more than there are glyphs
  };
  struct Range {  // of characters whose glyphs have consecutive numbers
    uint32_t first = 0, last = 0, first_glyph = 0;
  };
  void read_characters(uint64_t table, uint64_t length);
  void read_runs(uint64_t locations, uint64_t locations_length, uint64_t images, uint64_t images_length);

  std::string path_, bytes_;
  std::vector<Range> ranges_;
  std::vector<Run> runs_;
};

}  // namespace ditharos::data
