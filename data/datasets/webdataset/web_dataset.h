#pragma once
// Images from the shards of a WebDataset (https://github.com/webdataset/webdataset): .tar archives in which the members
// of a sample share a key, "000017.jpg" and "000017.cls".
#include <cstdint>
#include <string>
#include <vector>

#include <ditharos/data/datasets/images/image_files.h>

namespace ditharos::data {

/// True for a .tar file, a pattern "shard-{000..009}.tar", a directory with .tar files, and one whose sub-folders train
/// and test have some.
[[nodiscard]] bool is_web_dataset(const std::string& path);

/// Images in .tar shards, decoded when they are asked for, or once where they fit into memory; otherwise memory holds
/// the index, labels and captions alone. Members are read at their offset; their names are never used as paths, so no
/// name leads out of the archive.
///
/// Sample: members of one key, that is of one name up to the first dot behind the last slash, which follow each other:
/// an image (image_endings), and beside it a label (.cls, or "label" in .json: numbers, or names of classes), a caption
/// (.txt, or "text" or "caption" in .json), both or none; all samples alike. Two shards may use the
/// same keys. The order is that of the shards, sorted by name, and of their members. Class names: the lines of
/// classes.txt beside the shards, else the sorted names, or the numbers 0 to the largest.
///
/// With sub-folders train and test, `split` chooses one of them. Otherwise every tenth sample (the 10th, 20th, ...)
/// belongs to the test split and the others to the training split.
class WebDataset final : public DecodedImages {
 public:
  /// The options are those of a folder of images; what is said of files holds for the members of a shard. Opening reads
  /// every sample of the split once. IoError with the path and the reason for a damaged archive, a key at two places, a
  /// sample that cannot be used unless OnDamaged::skip leaves it out, two images that differ in size, and when no
  /// sample is left. ConfigError for an impossible option.
  explicit WebDataset(const std::string& path, Split split, const ImageFilesOptions& options = {});

  int64_t size() const override { return static_cast<int64_t>(entries_.size()); }
  int64_t label(int64_t i) const override;
  std::string caption(int64_t i) const override;
  /// "a.tar/000017.jpg"
  std::string name(int64_t i) const override;

 private:
  struct Entry {
    uint32_t shard = 0;
    uint64_t offset = 0, size = 0;
    std::string image;  // the name of the member
    int64_t label = -1;
    std::string caption;
  };

  const Entry& entry(int64_t i) const;
  /// "the member "000017.jpg" of a.tar"
  std::string title(int64_t i) const override;
  std::string read(int64_t i) const override;
  uint32_t add_sample(int64_t i, uint32_t crc) const override;
  void keep_only(const std::vector<char>& keep) override;

  std::vector<std::string> paths_;
  std::vector<Entry> entries_;
  bool has_captions_ = false;
};

}  // namespace ditharos::data
