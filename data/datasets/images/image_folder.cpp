#include <ditharos/data/datasets/images/image_folder.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <ditharos/data/codecs/png.h>
#include <ditharos/data/codecs/video/frame_folder.h>
#include <ditharos/data/datasets/folder_contents.h>
#include <ditharos/data/datasets/images/class_folder.h>
#include <ditharos/data/image/resize.h>
#include <ditharos/tensor/parallel.h>

namespace ditharos::data {
namespace {

namespace fs = std::filesystem;

constexpr int64_t test_every = 10;

struct Entry {
  std::string path;
  int64_t label = 0;
  PngInfo info;
  std::string error;  // why it cannot be read; empty when it can
};

/// The names in `directory` that pass the test, sorted by their bytes, without hidden ones.
template <class F>
std::vector<std::string> sorted_names(const fs::path& directory, const F& wanted) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (!is_hidden(name) && wanted(*it)) names.push_back(name);
  }
  check<IoError>(!error, "cannot list ", directory.string(), ": ", error.message());
  std::sort(names.begin(), names.end());
  return names;
}
std::vector<std::string> folders_in(const fs::path& directory) {
  std::error_code unknown;
  return sorted_names(directory, [&](const fs::directory_entry& entry) { return entry.is_directory(unknown); });
}
bool is_png(const fs::directory_entry& entry) { return has_ending(entry.path().filename().string(), ".png"); }
std::vector<std::string> pngs_in(const fs::path& directory) { return sorted_names(directory, is_png); }
void count_others(const fs::path& directory, UnreadFiles& unread) {
  std::error_code unknown;
  sorted_names(directory, [&](const fs::directory_entry& entry) {
    if (is_png(entry)) return false;
    if (entry.is_directory(unknown)) unread.add_folder();
    else unread.add_file(entry.path().filename().string());
    return false;
  });
}

bool has_split_folders(const fs::path& directory) {
  std::error_code missing;
  return fs::is_directory(directory / "train", missing) && fs::is_directory(directory / "test", missing);
}

/// The classes of the folders, in their order. IoError when two folders have the same class.
std::vector<std::string> class_names_of(const fs::path& root, const std::vector<std::string>& folders) {
  std::vector<std::string> names;
  for (const std::string& folder : folders) {
    const std::string name = class_name_of(folder);
    const auto same = std::find(names.begin(), names.end(), name);
    check<IoError>(same == names.end(), "cannot use ", root.string(), ": its sub-folders ",
                   same == names.end() ? "" : folders[static_cast<size_t>(same - names.begin())], " and ", folder,
                   " both stand for the class ", name, "; rename one of them");
    names.push_back(name);
  }
  return names;
}

/// Adds `notes` on other files in the folders, and on the images that the split leaves out.
std::vector<Entry> list_split(const fs::path& directory, Split split, std::vector<std::string>& classes,
                              std::vector<std::string>& notes) {
  const bool has_folders = has_split_folders(directory);
  const fs::path root = has_folders ? directory / name_of(split) : directory;
  const std::vector<std::string> folders = folders_in(root);
  check<IoError>(!folders.empty(), "cannot use ", root.string(), ": it has no sub-folder, and every class needs one");
  if (has_folders) {
    const fs::path other = directory / name_of(split == Split::train ? Split::test : Split::train);
    check<IoError>(folders_in(other) == folders, "cannot use ", directory.string(),
                   ": train and test do not have the same sub-folders");
  }
  classes = class_names_of(root, folders);
  std::vector<Entry> entries;
  UnreadFiles unread;
  int64_t all = 0, held_out = 0;
  for (size_t label = 0; label < folders.size(); ++label) {
    const fs::path folder = root / folders[label];
    const std::vector<std::string> files = pngs_in(folder);
    count_others(folder, unread);
    if (files.empty()) {
      UnreadFiles others;
      count_others(folder, others);
      fail<IoError>("cannot use ", folder.string(), ": it has no PNG file",
                    others.empty() ? "" : ", and what it has is not read: " + others.text());
    }
    for (size_t i = 0; i < files.size(); ++i) {
      const Split part = (static_cast<int64_t>(i) + 1) % test_every == 0 ? Split::test : Split::train;
      ++all;
      held_out += part == Split::test;
      if (!has_folders && part != split) continue;
      Entry entry;
      entry.path = (folder / files[i]).string();
      entry.label = static_cast<int64_t>(label);
      entries.push_back(entry);
    }
  }
  if (!unread.empty())
    notes.push_back(unread.text() + " in the folders of " + root.string() + (unread.is_one() ? " is" : " are") +
                    " not read: only PNG files are");
  if (!has_folders && held_out > 0)
    notes.push_back(std::to_string(held_out) + " of the " + std::to_string(all) + " images in " + directory.string() +
                    ", every " + std::to_string(test_every) + "th of each class, are held out for testing");
  return entries;
}

/// Runs work(entry) for all entries in parallel; the reason of an IoError is stored in the entry.
template <class F>
void for_each_entry(std::vector<Entry>& entries, const F& work) {
  parallel_tasks(static_cast<int64_t>(entries.size()), [&](int64_t i) {
    try {
      work(entries[static_cast<size_t>(i)], i);
    } catch (const IoError& error) {
      entries[static_cast<size_t>(i)].error = error.what();
    }
  });
}

/// Removes entries that could not be read: throws for the first one, or lists all in `skipped`.
void take_out_damaged(std::vector<Entry>& entries, bool skip, std::vector<std::string>& skipped) {
  for (const Entry& entry : entries) {
    check<IoError>(skip || entry.error.empty(), entry.error);
    if (!entry.error.empty()) skipped.push_back(entry.error);
  }
  std::erase_if(entries, [](const Entry& entry) { return !entry.error.empty(); });
}

void check_same_size(const std::vector<Entry>& entries) {
  const Entry& a = entries.front();
  for (const Entry& b : entries) {
    check<IoError>(a.info.width == b.info.width && a.info.height == b.info.height, "cannot use ", b.path, ": it has ",
                   b.info.width, " x ", b.info.height, " pixels, but ", a.path, " has ", a.info.width, " x ",
                   a.info.height, "; give a size to crop and scale them all to");
  }
}

void validate(const ImageFolderOptions& options) {
  check<ConfigError>(options.channels == 0 || options.channels == 1 || options.channels == 3,
                     "[image_folder] channels must be 1, 3 or 0 for what the files have, got ", options.channels);
  const auto [low, high] = std::minmax(options.height, options.width);
  check<ConfigError>((low == 0 && high == 0) || (low > 0 && high <= max_png_side),
                     "[image_folder] height and width must both be 1..", max_png_side, ", or both 0, got ",
                     options.height, " and ", options.width);
}

}  // namespace

bool is_image_folder(const std::string& directory) {
  std::error_code missing;
  if (!fs::is_directory(directory, missing)) return false;
  const fs::path root = has_split_folders(directory) ? fs::path(directory) / "train" : fs::path(directory);
  const auto classes = folders_in(root);
  return std::any_of(classes.begin(), classes.end(), [&](const auto& name) { return !pngs_in(root / name).empty(); });
}

std::string unread_in_class_folders(const std::string& directory) {
  UnreadFiles unread;
  const fs::path root = has_split_folders(directory) ? fs::path(directory) / "train" : fs::path(directory);
  for (const std::string& name : folders_in(root)) count_others(root / name, unread);
  return unread.text();
}

Opened load_image_folder(const std::string& directory, Split split, const ImageFolderOptions& options) {
  validate(options);
  std::vector<std::string> classes, skipped, notes;
  std::vector<Entry> entries = list_split(directory, split, classes, notes);

  // Headers first: they give the size and the colours of the whole set before memory is allocated for images.
  for_each_entry(entries, [&](Entry& entry, int64_t) {
    entry.info = png_info(read_png_file(entry.path, options.max_pixels), entry.path, options.max_pixels);
  });
  take_out_damaged(entries, options.skip_damaged, skipped);
  check<IoError>(!entries.empty(), "cannot use ", directory, ": no image is left for the ", split,
                 " split (without folders train and test, ", "every ", test_every,
                 "th file of a class is a test image: it takes ",
                 test_every, " files for one)");
  if (options.height == 0) check_same_size(entries);
  const bool color = std::any_of(entries.begin(), entries.end(), [](const Entry& entry) { return entry.info.color; });
  const int64_t channels = options.channels > 0 ? options.channels : color ? 3 : 1;
  const int64_t height = options.height > 0 ? options.height : entries.front().info.height;
  const int64_t width = options.width > 0 ? options.width : entries.front().info.width;

  const auto n = static_cast<int64_t>(entries.size());
  Tensor images({n, channels, height, width}, DType::u8);
  uint8_t* pixels = images.mutable_data<uint8_t>();
  const int64_t image_size = channels * height * width;
  for_each_entry(entries, [&](Entry& entry, int64_t i) {
    Tensor image = read_png(entry.path, channels, options.max_pixels);
    if (options.height > 0) image = center_crop_resize(image, height, width);
    check<IoError>(image.numel() == image_size, "cannot read ", entry.path, ": it changed while it was read");
    std::memcpy(pixels + i * image_size, image.data<uint8_t>(), static_cast<size_t>(image_size));
  });

  Tensor labels({n}, DType::i64);
  std::vector<int64_t> readable;
  for (int64_t i = 0; i < n; ++i) {
    labels.mutable_data<int64_t>()[i] = entries[static_cast<size_t>(i)].label;
    if (entries[static_cast<size_t>(i)].error.empty()) readable.push_back(i);
  }
  take_out_damaged(entries, options.skip_damaged, skipped);
  check<IoError>(!entries.empty(), "cannot use ", directory, ": every image of the ", split, " split is damaged");
  const Dataset all(images, labels, classes);
  return {static_cast<int64_t>(readable.size()) == n ? all : all.subset(readable), skipped, notes};
}

}  // namespace ditharos::data
