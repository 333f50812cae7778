#include <ditharos/data/datasets/clips/open_clips.h>

#include <ditharos/data/datasets/clips/video_folder.h>
#include <ditharos/data/datasets/dataset.h>
#include <ditharos/data/synthetic/emoji.h>
#include <ditharos/data/synthetic/moving_garments.h>

namespace ditharos::data {
namespace {

constexpr const char* garments = "moving-garments";
constexpr const char* emoji = "moving-emoji";

}  // namespace

std::shared_ptr<const DataSource> open_clips(const std::string& data, ClipUse use, int64_t max_pixels) {
  const bool training = use == ClipUse::training;
  const Split split = training ? Split::train : Split::test;
  if (data != garments && data != emoji) {
    check<ConfigError>(is_video_folder(data), "data = \"", data, "\": there are no clips called so; known are \"",
                       garments, "\", \"", emoji,
                       "\" and folders of videos with captions.txt (file, tab, caption) or captions.jsonl");
    VideoFolderOptions folder;
    folder.split = split;
    folder.max_pixels = max_pixels;
    return std::make_shared<VideoFolder>(data, folder);
  }
  MovingGarmentsOptions options;
  options.split = training ? SceneSplit::train : SceneSplit::held_out;
  if (data == garments) return std::make_shared<MovingGarments>(objects_to_move(split), options);
  const std::string font = find_emoji_font();
  check<ConfigError>(!font.empty(), "data = \"", emoji, "\" needs the package fonts-noto-color-emoji");
  return std::make_shared<MovingGarments>(load_emoji(font), options);
}

bool is_clips(const std::string& data) {
  return data == garments || data == emoji || (is_video_folder(data) && !lists_images(data));
}

bool is_moving_garments(const std::string& data) { return data == garments; }

}  // namespace ditharos::data
