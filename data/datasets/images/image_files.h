#pragma once
// Images in files: read, decoded and resized when they are needed, or once where they fit into memory.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ditharos/data/codecs/image_file.h>
#include <ditharos/data/datasets/data_source.h>
#include <ditharos/data/datasets/dataset.h>
#include <ditharos/data/image/resize.h>

namespace ditharos::data {

struct ImageList;

/// What is done about files that cannot be read.
enum class OnDamaged {
  stop,  ///< IoError with the path and the reason
  skip,  ///< they are left out and named in skipped(); every file is decoded once when the set is opened
};

/// How an image gets another size.
enum class Fit {
  crop,     ///< the largest part around the middle with the new proportions (center_crop_resize)
  stretch,  ///< the whole image, its proportions changed
};

struct ImageFilesOptions {
  int64_t channels = 0;  ///< 1: gray; 3: RGB; 0: gray if every file is gray, else RGB
  /// Size of the samples. 0 for both: as the files are, which must all have one size unless `mixed_sizes`.
  int64_t height = 0, width = 0;
  /// Without a size, files may differ in theirs: the set then has no native shape.
  bool mixed_sizes = false;
  Fit fit = Fit::crop;
  Resample resample = Resample::area;
  Color background = white;                 ///< shows where an image is transparent
  OnDamaged on_damaged = OnDamaged::stop;
  int64_t max_pixels = default_max_pixels;  ///< of one file; see pixel_limit.h
  /// Sets whose samples take at most this many bytes are kept in memory.
  int64_t memory_bytes = int64_t{1} << 30;
  /// Called while the set is opened, in the order of `done`, from any thread but never from two at once: for every file
  /// that is read, and from 1 on again for every one that is decoded to be kept in memory.
  std::function<void(int64_t done, int64_t total)> progress = {};
};

/// One image of the set, as it was when the set was opened.
struct ImageFile {
  std::string path, name;         ///< name: relative to the folder of the split
  int64_t height = 0, width = 0;  ///< of the file
  uint32_t checksum = 0;          ///< CRC-32C of the file's bytes
  int64_t label = -1;             ///< -1 in a set without classes
  std::string caption = {};       ///< "" in a set without captions
};

/// The PNG, JPEG and WebP files of a folder. A file is taken for an image by the ending of its name (image_endings) or
/// because a list names it, and read by its contents. Layouts:
///
/// - a list, metadata.jsonl or metadata.csv (metadata.h), captions.txt or captions.jsonl (captions.h), whose names are
///   relative to its folder. An image with several captions is a sample for each. Labels are classes: strings in the
///   order of their bytes; numbers with the names of classes.txt, if that is there.
/// - one sub-folder for each class, in the order of their names' bytes; class_name_of (class_folder.h) gives the class
///   of a folder. Folders within it belong to it.
/// - images in the folder itself: a set without classes.
///
/// With sub-folders train and test (or validation, or val), `split` chooses one of them; the classes are those of
/// train. A sub-folder train alone is the set. Otherwise every tenth file (the 10th, 20th, ...), in a set with classes
/// of each class, is a test image. Hidden files and those of systems (is_hidden) are passed over; others are counted in
/// notes().
///
/// Opening reads every file of the split once. A file that has other bytes later is an IoError. The samples are the
/// same whether they are kept in memory or not.
class ImageFiles final : public DataSource {
 public:
  /// IoError with the path and the reason when a file is damaged, a list is wrong, a name or a link leads out of the
  /// folder, two images differ in size (naming both), or a class or the split is empty. ConfigError for an impossible
  /// option.
  ImageFiles(const std::string& directory, Split split, const ImageFilesOptions& options = {});

  int64_t size() const override { return static_cast<int64_t>(files_.size()); }
  int64_t channels() const override { return channels_; }
  const std::vector<std::string>& class_names() const override { return class_names_; }
  int64_t label(int64_t i) const override;
  /// The caption of a list, else the name of the class.
  std::string caption(int64_t i) const override;
  std::optional<SampleShape> native_shape() const override { return native_; }
  /// In another shape than the native one, the native image resized again; without a native shape, the file resized
  /// once. All frames of a clip are the same image. IoError when the file cannot be read or has changed.
  Tensor sample(int64_t i, const SampleShape& shape) const override;
  const uint8_t* stored_sample(int64_t i, const SampleShape& shape) const override;
  /// Of the files' bytes, names, labels and captions, and of the options that decide on the samples.
  uint32_t checksum() const override { return checksum_; }
  std::vector<std::string> notes() const override { return notes_; }

  /// Error unless 0 <= i < size().
  const ImageFile& file(int64_t i) const;
  bool has_captions() const { return has_captions_; }
  /// True when the samples are kept in memory.
  bool in_memory() const { return pixels_.defined(); }
  /// "cannot read PATH: reason" for every file that was left out.
  const std::vector<std::string>& skipped() const { return skipped_; }

 private:
  void scan(const std::string& directory, Split split, const ImageList& list);
  void note_duplicates(const std::string& root);
  void settle_shape();
  void load();
  Tensor decode(int64_t i) const;
  Tensor resize(const Tensor& image, int64_t height, int64_t width) const;

  ImageFilesOptions options_;
  std::vector<ImageFile> files_;
  std::vector<std::string> class_names_, skipped_, notes_;
  bool has_captions_ = false;
  int64_t channels_ = 0;
  std::optional<SampleShape> native_;
  uint32_t checksum_ = 0;
  Tensor pixels_;  // u8 [N, C, H, W]; undefined where the samples are not kept
};

/// True when `directory` is a folder with a list of images, or with images in it or in its folders.
[[nodiscard]] bool is_image_folder(const std::string& directory);
/// The files other than images in a folder and the folders within it: "40 .gif files"; "" for none.
[[nodiscard]] std::string unread_files(const std::string& directory);

}  // namespace ditharos::data
