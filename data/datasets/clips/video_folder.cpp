#include <ditharos/data/datasets/clips/video_folder.h>

#include <cstring>
#include <filesystem>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <system_error>

#include <ditharos/data/codecs/image_file.h>
#include <ditharos/data/codecs/video/video_file.h>
#include <ditharos/data/codecs/webp_image.h>
#include <ditharos/data/datasets/folder_bounds.h>
#include <ditharos/data/datasets/folder_contents.h>
#include <ditharos/data/image/resize.h>
#include <ditharos/data/text/captions.h>
#include <ditharos/tensor/io/crc32c.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/parallel.h>

namespace ditharos::data {
namespace {

namespace fs = std::filesystem;

constexpr size_t test_every = 10;

std::string sub_folder(const std::string& directory, Split split) {
  return (fs::path(directory) / name_of(split)).string();
}
bool has_split_folders(const std::string& directory) {
  return has_captions(sub_folder(directory, Split::train)) && has_captions(sub_folder(directory, Split::test));
}

/// The index, among `from` frames, at the middle of the time of frame k of `to` frames.
int64_t frame_in_time(int64_t k, int64_t to, int64_t from) { return (2 * k + 1) * from / (2 * to); }

/// The number of videos in `root` itself that its list does not name.
int64_t count_unlisted(const std::string& root, const std::map<std::string, size_t>& listed) {
  int64_t count = 0;
  std::error_code error;
  for (fs::directory_iterator it(root, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    std::error_code unknown;
    count += !is_hidden(name) && !it->is_directory(unknown) && is_clip_path(name) && !listed.contains(name);
  }
  return count;
}

}  // namespace

/// A cache of the most recently used decoded videos. Decoding happens outside of the lock: two threads that need the
/// same video may both decode it, but no thread waits for another video.
class VideoFolder::Cache {
 public:
  Cache(int64_t most_bytes, int64_t max_pixels) : most_bytes_(most_bytes), max_pixels_(max_pixels) {}

  /// u8 [F, 3, H, W] of a video.
  Tensor get(size_t video, const std::string& path) {
    if (const auto kept = find(video)) return *kept;
    const Tensor frames = read_clip(path, max_pixels_).frames;
    keep(video, frames);
    return frames;
  }

 private:
  struct Item {
    size_t video;
    Tensor frames;
  };

  std::optional<Tensor> find(size_t video) {
    const std::lock_guard lock(mutex_);
    const auto found = places_.find(video);
    if (found == places_.end()) return std::nullopt;
    items_.splice(items_.begin(), items_, found->second);
    return found->second->frames;
  }
  void keep(size_t video, const Tensor& frames) {
    const std::lock_guard lock(mutex_);
    if (frames.numel() > most_bytes_ || places_.contains(video)) return;
    items_.push_front({video, frames});
    places_[video] = items_.begin();
    bytes_ += frames.numel();
    while (bytes_ > most_bytes_) {
      bytes_ -= items_.back().frames.numel();
      places_.erase(items_.back().video);
      items_.pop_back();
    }
  }

  int64_t most_bytes_, max_pixels_, bytes_ = 0;
  std::mutex mutex_;
  std::list<Item> items_;  // the most recently used one first
  std::map<size_t, std::list<Item>::iterator> places_;
};

bool is_video_folder(const std::string& directory) { return has_captions(directory) || has_split_folders(directory); }

bool lists_images(const std::string& directory) {
  const std::string root = has_captions(directory) ? directory : sub_folder(directory, Split::train);
  const std::string file = read_captions(root).front().file, path = (fs::path(root) / file).string();
  std::error_code missing;
  if (!is_image_name(file) || fs::is_directory(path, missing)) return false;
  check_inside(root, path);
  return !fs::exists(path, missing) || !is_webp_animation(read_image_file(path));
}

VideoFolder::VideoFolder(const std::string& directory, const VideoFolderOptions& options)
    : cache_(std::make_shared<Cache>(options.cache_bytes, options.max_pixels)) {
  check<ConfigError>(options.cache_bytes >= 0, "[video_folder] cache_bytes must not be negative, got ",
                     options.cache_bytes);
  const bool has_folders = !has_captions(directory) && has_split_folders(directory);
  const std::string root = has_folders ? sub_folder(directory, options.split) : directory;
  std::map<std::string, size_t> numbers;  // of videos, in the order of the list
  for (FileCaption& line : read_captions(root)) {
    const auto [entry, is_new] = numbers.try_emplace(line.file, numbers.size());
    const Split part = (entry->second + 1) % test_every == 0 ? Split::test : Split::train;
    if (is_new) {
      paths_.push_back((fs::path(root) / line.file).string());
      check_inside(root, paths_.back());
    }
    if (has_folders || part == options.split) entries_.push_back({entry->second, std::move(line.caption)});
  }
  if (const int64_t unlisted = count_unlisted(root, numbers); unlisted > 0)
    notes_.push_back(std::to_string(unlisted) + (unlisted == 1 ? " video in " : " videos in ") + root +
                     (unlisted == 1 ? " is" : " are") + " not read: the list of captions does not name " +
                     (unlisted == 1 ? "it" : "them"));
  if (const size_t held_out = numbers.size() / test_every; !has_folders && held_out > 0)
    notes_.push_back(std::to_string(held_out) + " of the " + std::to_string(numbers.size()) + " videos in " + root +
                     ", every " + std::to_string(test_every) + "th, are held out for testing");
  check<IoError>(!entries_.empty(), "cannot use ", directory, ": no video is left for the ", options.split,
                 " split (without folders train and test, every ", test_every, "th video is a test video)");
  take_out_damaged(options, directory);
}

void VideoFolder::take_out_damaged(const VideoFolderOptions& options, const std::string& directory) {
  std::vector<char> wanted(paths_.size());
  for (const Entry& entry : entries_) wanted[entry.video] = 1;
  std::vector<std::string> errors(paths_.size());
  std::vector<uint32_t> checksums(paths_.size());
  parallel_tasks(static_cast<int64_t>(paths_.size()), [&](int64_t i) {
    const auto video = static_cast<size_t>(i);
    try {
      if (!wanted[video]) return;
      const Tensor frames = kernels::contiguous(cache_->get(video, paths_[video]));
      checksums[video] = crc32c(frames.data<uint8_t>(), size_t(frames.numel()));
    } catch (const IoError& error) {
      errors[video] = error.what();
    }
  });
  for (const std::string& error : errors) {
    check<IoError>(options.skip_damaged || error.empty(), error);
    if (!error.empty()) skipped_.push_back(error);
  }
  std::erase_if(entries_, [&](const Entry& entry) { return !errors[entry.video].empty(); });
  check<IoError>(!entries_.empty(), "cannot use ", directory, ": every video of the ", options.split,
                 " split is damaged");
  for (const Entry& entry : entries_) {
    checksum_ = crc32c(&checksums[entry.video], sizeof(uint32_t), checksum_);
    checksum_ = crc32c(entry.caption.c_str(), entry.caption.size() + 1, checksum_);
  }
}

const VideoFolder::Entry& VideoFolder::entry(int64_t i) const {
  check(i >= 0 && i < size(), "[video_folder] there is no clip ", i, ", only 0..", size() - 1);
  return entries_[static_cast<size_t>(i)];
}

Tensor VideoFolder::sample(int64_t i, const SampleShape& shape) const {
  check<ShapeError>(shape.has_pixels(), "[video_folder] frames, height and width of a clip must be at least 1, got ",
                    shape);
  const Entry& wanted = entry(i);
  const Tensor video = cache_->get(wanted.video, paths_[wanted.video]);
  Tensor frames({shape.frames, 3, shape.height, shape.width}, DType::u8);
  const int64_t frame_size = 3 * shape.height * shape.width;
  uint8_t* to = frames.mutable_data<uint8_t>();
  int64_t last = -1;
  for (int64_t k = 0; k < shape.frames; ++k, to += frame_size) {
    const int64_t f = frame_in_time(k, shape.frames, video.size(0));
    if (f == last) {
      std::memcpy(to, to - frame_size, static_cast<size_t>(frame_size));
      continue;
    }
    last = f;
    const Tensor small = center_crop_resize(video.select(0, f), shape.height, shape.width);
    std::memcpy(to, small.data<uint8_t>(), static_cast<size_t>(frame_size));
  }
  return frames;
}

}  // namespace ditharos::data
