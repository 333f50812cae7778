#include <ditharos/data/synthetic/emoji_font.h>
#include "tests/fuzz/fuzz.h"

namespace ditharos::tests {

/// A font, and the images of two characters.
void fuzz_emoji_font(std::string_view bytes) {
  const data::EmojiFont font(file_with("a.ttf", bytes));
  for (const char32_t character : {U'\U0001F680', U'\U0001F426'}) {
    const auto image = font.image(character);
    demand(!image || (image->rank() == 3 && image->size(0) == 4), "an image with opacity");
  }
}

}  // namespace ditharos::tests
