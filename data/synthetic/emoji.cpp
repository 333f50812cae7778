#include <ditharos/data/synthetic/emoji.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include <ditharos/data/image/resize.h>
#include <ditharos/data/synthetic/emoji_font.h>

namespace ditharos::data {
namespace {

constexpr int64_t side = 64;

struct Emoji {
  char32_t character;
  const char* name;  // the common name of the Unicode character
};
constexpr Emoji known[] = {
    {U'\U0001F680', "rocket"},   {U'\U0001F681', "helicopter"}, {U'\U0001F388', "balloon"},
    {U'\U0001F426', "bird"},     {U'\U0001F98B', "butterfly"},  {U'\U0001F41D', "bee"},
    {U'\U0001F986', "duck"},     {U'\U0001F989', "owl"},        {U'\U0001F987', "bat"},
    {U'\U0001F420', "fish"},     {U'\U0001F433', "whale"},      {U'\U0001F422', "turtle"},
    {U'\U0001F408', "cat"},      {U'\U0001F415', "dog"},        {U'\U0001F40E', "horse"},
    {U'\U0001F404', "cow"},      {U'\U0001F418', "elephant"},   {U'\U0001F40C', "snail"},
    {U'\U0001F419', "octopus"},  {U'\U0001F980', "crab"},       {U'\U0001F697', "car"},
    {U'\U0001F68C', "bus"},      {U'\U0001F69C', "tractor"},    {U'\U0001F6B2', "bicycle"},
    {U'\u26F5', "boat"},         {U'\U0001F34E', "apple"},      {U'\U0001F34C', "banana"},
    {U'\U0001F34B', "lemon"},    {U'\U0001F353', "strawberry"}, {U'\U0001F355', "pizza"},
    {U'\U0001F370', "cake"},     {U'\U0001F3B8', "guitar"},     {U'\u26BD', "football"},
    {U'\U0001F511', "key"},      {U'\U0001F514', "bell"},       {U'\u2B50', "star"},
    {U'\U0001F47B', "ghost"},    {U'\U0001F916', "robot"},      {U'\U0001F33B', "sunflower"},
    {U'\U0001F344', "mushroom"}, {U'\U0001F335', "cactus"},
};

/// Premultiplied alpha, so that averaging does not mix in the colours of transparent pixels. [4, H, W]
Tensor premultiplied(const Tensor& image) {
  Tensor out(image.shape(), DType::u8);
  const int64_t plane = image.size(1) * image.size(2);
  const uint8_t* from = image.data<uint8_t>();
  uint8_t* to = out.mutable_data<uint8_t>();
  const uint8_t* opacity = from + 3 * plane;
  for (int64_t i = 0; i < 3 * plane; ++i) to[i] = static_cast<uint8_t>((from[i] * opacity[i % plane] + 127) / 255);
  std::copy(opacity, opacity + plane, to + 3 * plane);
  return out;
}

}  // namespace

Dataset load_emoji(const std::string& path) {
  const EmojiFont font(path);
  std::vector<std::string> names;
  std::vector<Tensor> found;
  for (const Emoji& emoji : known) {
    const std::optional<Tensor> image = font.image(emoji.character);
    if (!image) continue;
    names.emplace_back(emoji.name);
    found.push_back(center_crop_resize(premultiplied(*image), side, side));
  }
  check<IoError>(!found.empty(), "cannot use ", path, ": it has none of the emoji that are known here");
  const auto count = static_cast<int64_t>(found.size());
  Tensor images({count, 4, side, side}, DType::u8), labels({count}, DType::i64);
  uint8_t* to = images.mutable_data<uint8_t>();
  int64_t* label = labels.mutable_data<int64_t>();
  for (int64_t k = 0; k < count; ++k) {
    const Tensor& image = found[static_cast<size_t>(k)];
    to = std::copy_n(image.data<uint8_t>(), image.numel(), to);
    label[k] = k;
  }
  return {images, labels, names};
}

std::string find_emoji_font() {
  const std::string path = "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf";
  std::error_code missing;
  return std::filesystem::exists(path, missing) ? path : "";
}

}  // namespace ditharos::data
