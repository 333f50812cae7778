#pragma once
// Images in files: read, decoded and resized when they are needed, or once where they fit into memory.
#include <cstdint>
#include <string>
#include <vector>

#include <ditharos/data/datasets/dataset.h>
#include <ditharos/data/datasets/images/decoded_images.h>

namespace ditharos::data {

/// One image of the set.
struct ImageFile {
  std::string path, name;    ///< name: relative to the folder of the split
  int64_t label = -1;        ///< -1 in a set without classes
  std::string caption = {};  ///< "" in a set without captions
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
class ImageFiles final : public DecodedImages {
 public:
  /// IoError with the path and the reason when a file is damaged, a list is wrong, a name or a link leads out of the
  /// folder, two images differ in size (naming both), or a class or the split is empty. ConfigError for an impossible
  /// option.
  ImageFiles(const std::string& directory, Split split, const ImageFilesOptions& options = {});

  int64_t size() const override { return static_cast<int64_t>(files_.size()); }
  int64_t label(int64_t i) const override;
  /// The caption of a list, else the name of the class.
  std::string caption(int64_t i) const override;
  std::string name(int64_t i) const override { return file(i).name; }

  /// Error unless 0 <= i < size().
  const ImageFile& file(int64_t i) const;
  bool has_captions() const { return has_captions_; }

 private:
  void note_duplicates(const std::string& root);
  std::string title(int64_t i) const override { return file(i).path; }
  std::string read(int64_t i) const override;
  uint32_t add_sample(int64_t i, uint32_t crc) const override;
  void keep_only(const std::vector<char>& keep) override;

  std::vector<ImageFile> files_;
  bool has_captions_ = false;
};

/// True when `directory` is a folder with a list of images, or with images in it or in its folders.
[[nodiscard]] bool is_image_folder(const std::string& directory);
/// The files other than images in a folder and the folders within it: "40 .gif files"; "" for none.
[[nodiscard]] std::string unread_files(const std::string& directory);

}  // namespace ditharos::data
