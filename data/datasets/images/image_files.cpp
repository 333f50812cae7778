#include <ditharos/data/datasets/images/image_files.h>

#include <filesystem>
#include <map>
#include <set>
#include <system_error>
#include <tuple>
#include <utility>

#include <ditharos/data/datasets/images/image_list.h>
#include <ditharos/data/datasets/images/image_tree.h>

namespace ditharos::data {
bool is_image_folder(const std::string& directory) { return has_images(directory); }

std::string unread_files(const std::string& directory) { return read_image_tree(directory, directory).unread.text(); }

ImageFiles::ImageFiles(const std::string& directory, Split split, const ImageFilesOptions& options)
    : DecodedImages("image_files", "files", options) {
  ImageList list = list_images(directory, split);
  class_names_ = std::move(list.class_names);
  notes_ = std::move(list.notes);
  has_captions_ = list.has_captions;
  files_.reserve(list.images.size());
  for (const ListedImage& listed : list.images)
    files_.push_back({.path = listed.path, .name = listed.name, .label = listed.label, .caption = listed.caption});
  open("cannot use " + directory + ": every image of the " + name_of(split) + " split is damaged, the first one: ",
       [&](int64_t i) {
         const ListedImage& listed = list.images[static_cast<size_t>(i)];
         std::error_code unknown;
         check<IoError>(listed.listed_in.empty() || std::filesystem::exists(listed.path, unknown), "cannot read ",
                        listed.path, ": there is no such file, and ", listed.listed_in, " names it");
       });
  note_duplicates(list.root);
}

/// Copies under several names. An equal checksum alone is none: among 200,000 files a few have one by chance.
void ImageFiles::note_duplicates(const std::string& root) {
  std::map<std::tuple<uint32_t, int64_t, int64_t>, const ImageFile*> first;
  std::set<std::string> names;
  int64_t copies = 0;
  std::string example;
  for (int64_t i = 0; i < size(); ++i) {
    const ImageFile& file = files_[static_cast<size_t>(i)];
    if (!names.insert(file.name).second) continue;  // another caption of the same file
    const EncodedImage& image = encoded(i);
    const auto [before, is_new] = first.try_emplace({image.checksum, image.height, image.width}, &file);
    if (is_new ||
        read_image_file(file.path, options_.max_pixels) != read_image_file(before->second->path, options_.max_pixels))
      continue;
    if (copies++ == 0) example = file.name + " as " + before->second->name;
  }
  if (copies == 0) return;
  notes_.push_back(std::to_string(copies) + " of the " + std::to_string(names.size()) + " files in " + root +
                   (copies == 1 ? " has the same bytes as another one (" : " have the same bytes as others (") +
                   example + (copies == 1 ? ")" : ", ...)"));
}

const ImageFile& ImageFiles::file(int64_t i) const {
  check<Error>(i >= 0 && i < size(), "[image_files] image ", i, " of a set of ", size());
  return files_[static_cast<size_t>(i)];
}

int64_t ImageFiles::label(int64_t i) const {
  const int64_t label = file(i).label;
  return label >= 0 ? label : DataSource::label(i);
}

std::string ImageFiles::caption(int64_t i) const { return has_captions_ ? file(i).caption : DataSource::caption(i); }

std::string ImageFiles::read(int64_t i) const { return read_image_file(file(i).path, options_.max_pixels); }

uint32_t ImageFiles::add_sample(int64_t i, uint32_t crc) const {
  const ImageFile& of = file(i);
  crc = add_to_checksum(of.name, add_to_checksum(encoded(i).checksum, crc));
  return add_to_checksum(of.caption, add_to_checksum(of.label, crc));
}

void ImageFiles::keep_only(const std::vector<char>& keep) { files_ = kept(std::move(files_), keep); }

}  // namespace ditharos::data
