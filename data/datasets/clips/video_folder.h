#pragma once
// Captioned clips from a folder of videos.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <ditharos/data/codecs/pixel_limit.h>
#include <ditharos/data/datasets/data_source.h>
#include <ditharos/data/datasets/dataset.h>

namespace ditharos::data {

struct VideoFolderOptions {
  Split split = Split::train;
  bool skip_damaged = false;  ///< leave out videos that cannot be read, and name them in skipped()
  /// Decoded videos are kept for the next time up to this many bytes, the most recently used ones.
  int64_t cache_bytes = int64_t{256} << 20;
  int64_t max_pixels = default_max_pixels;  ///< of one video; see pixel_limit.h
};

/// The videos that `directory`/captions.txt or captions.jsonl lists: one clip per line; several lines for one video are
/// several clips. A line of captions.txt is the name, a tab and the caption; of captions.jsonl an object with the
/// strings "file" and "caption"; other keys are ignored. Empty lines do not count. Names are relative to `directory`
/// and may lead into its sub-folders, but not out of it, also not by symbolic links. Every format of read_clip is
/// supported. notes() has the number of videos that no line names, and of those that the split leaves out.
///
/// With sub-folders train and test that hold such a list each, `split` chooses one of them. Otherwise all clips of
/// every tenth video (the 10th, 20th, ... in the order of the list) belong to the test split, the others to training.
///
/// A clip in any shape: frames are cropped around the middle and averaged by area (center_crop_resize). The requested
/// number of frames is sampled evenly from the whole video, each at the middle of its time. Where the video has fewer
/// frames, frames are repeated.
class VideoFolder : public DataSource {
 public:
  /// Reads every video once, so that damaged ones are found before training begins; what fits into the cache is kept.
  /// IoError with path, line and reason when the list is missing or wrong, a video is damaged or missing, or the split
  /// is empty.
  explicit VideoFolder(const std::string& directory, const VideoFolderOptions& options = {});

  int64_t size() const override { return static_cast<int64_t>(entries_.size()); }
  std::string caption(int64_t i) const override { return entry(i).caption; }
  /// u8 [F, 3, H, W]. Reads the video again when it is not in the cache; IoError when that fails.
  Tensor sample(int64_t i, const SampleShape& shape) const override;
  /// The checksum of the captions and of the videos' frames as they were when the folder was opened.
  uint32_t checksum() const override { return checksum_; }
  /// Path of the video of clip i.
  const std::string& path(int64_t i) const { return paths_[entry(i).video]; }
  std::vector<std::string> notes() const override { return notes_; }
  /// "cannot read PATH: reason" for every video that was left out.
  const std::vector<std::string>& skipped() const { return skipped_; }

 private:
  struct Entry {
    size_t video = 0;  // in paths_
    std::string caption;
  };
  class Cache;

  const Entry& entry(int64_t i) const;
  void take_out_damaged(const VideoFolderOptions& options, const std::string& directory);

  std::vector<std::string> paths_;
  std::vector<Entry> entries_;
  std::vector<std::string> skipped_, notes_;
  uint32_t checksum_ = 0;
  std::shared_ptr<Cache> cache_;  // has a lock of its own
};

/// True when `directory` has captions, or sub-folders train and test that do.
[[nodiscard]] bool is_video_folder(const std::string& directory);
/// True when the list of such a folder names a still image first: a PNG, a JPEG, a WebP that is no animation. IoError
/// for a list that cannot be read.
[[nodiscard]] bool lists_images(const std::string& directory);

}  // namespace ditharos::data
