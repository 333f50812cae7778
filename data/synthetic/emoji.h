#pragma once
// Emoji as objects for moving clips.
#include <string>

#include <ditharos/data/datasets/dataset.h>

namespace ditharos::data {

/// About forty emoji of objects that are recognisable at 32 pixels, from a font such as Noto Color Emoji: one image per
/// class, with their common names ("rocket"). Images are u8 [N, 4, 64, 64] with premultiplied alpha: red, green and
/// blue times the opacity, and the opacity. Emoji that the font lacks are left out; IoError when it has none, or cannot
/// be read (emoji_font.h).
[[nodiscard]] Dataset load_emoji(const std::string& font);

/// The font of Debian's and Ubuntu's package fonts-noto-color-emoji, or "" when it is not installed.
[[nodiscard]] std::string find_emoji_font();

}  // namespace ditharos::data
