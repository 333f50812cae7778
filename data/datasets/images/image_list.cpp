#include <ditharos/data/datasets/images/image_list.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <system_error>

#include <ditharos/data/datasets/images/class_folder.h>
#include <ditharos/data/datasets/images/image_tree.h>
#include <ditharos/data/datasets/images/listed_images.h>

namespace ditharos::data {
namespace {

namespace fs = std::filesystem;

constexpr int64_t test_every = 10;

bool is_folder(const fs::path& path) {
  std::error_code missing;
  return fs::is_directory(path, missing);
}

/// Where the images of a split lie.
struct SplitFolders {
  std::string root;
  std::string train;                     ///< the folder that decides on the classes
  std::string test = {};                 ///< "": the test split has no folder of its own
  std::vector<std::string> others = {};  ///< names of folders beside those of the splits
};

SplitFolders split_folders(const std::string& directory, Split split) {
  const fs::path train = fs::path(directory) / "train";
  if (!list_of(directory).empty() || !is_folder(train)) return {directory, directory};
  std::vector<std::string> others = folders_in(directory);
  std::erase(others, "train");
  for (const char* name : {"test", "validation", "val"}) {
    const fs::path test = fs::path(directory) / name;
    if (std::erase(others, name) > 0)
      return {(split == Split::train ? train : test).string(), train.string(), test.string(), others};
  }
  // Beside other folders it is a class, such as one of trains.
  return others.empty() ? SplitFolders{train.string(), train.string()} : SplitFolders{directory, directory};
}

std::string plural(int64_t n, const std::string& what) { return std::to_string(n) + " " + what + (n == 1 ? "" : "s"); }

void note_unread(const UnreadFiles& unread, ImageList& list) {
  if (unread.empty()) return;
  list.notes.push_back(unread.text() + " in " + list.root + (unread.is_one() ? " is" : " are") + " not read: only " +
                       read_formats + " are");
}

/// Leaves the images of the split: of each class, or of a set without classes, every tenth file is a test image.
void take_split(const std::string& directory, Split split, ImageList& list) {
  std::map<int64_t, int64_t> files;    // of each class
  std::map<std::string, Split> parts;  // of each file, all of whose captions go together
  int64_t held_out = 0;
  std::vector<ListedImage> taken;
  for (ListedImage& image : list.images) {
    const auto [part, is_new] = parts.try_emplace(image.name, Split::train);
    if (is_new && ++files[image.label] % test_every == 0) {
      part->second = Split::test;
      ++held_out;
    }
    if (part->second == split) taken.push_back(std::move(image));
  }
  list.images = std::move(taken);
  if (held_out > 0)
    list.notes.push_back(std::to_string(held_out) + " of the " + plural(static_cast<int64_t>(parts.size()), "image") +
                         " in " + directory + ", every " + std::to_string(test_every) + "th" +
                         (list.class_names.empty() ? "" : " of each class") + ", " + (held_out == 1 ? "is" : "are") +
                         " held out for testing");
}

/// The classes of the folders, in their order. IoError when two folders have the same class.
std::vector<std::string> class_names_of(const std::string& root, const std::vector<std::string>& folders) {
  std::vector<std::string> names;
  for (const std::string& folder : folders) {
    const std::string name = class_name_of(folder);
    const auto same = std::find(names.begin(), names.end(), name);
    check<IoError>(same == names.end(), "cannot use ", root, ": its sub-folders ",
                   same == names.end() ? "" : folders[static_cast<size_t>(same - names.begin())], " and ", folder,
                   " both stand for the class ", name, "; rename one of them");
    names.push_back(name);
  }
  return names;
}

void list_class_folders(const SplitFolders& where, const std::vector<std::string>& folders, ImageList& list) {
  const std::string& root = list.root;
  check<IoError>(where.test.empty() || folders_in(where.train) == folders_in(where.test), "cannot use ", root, ": ",
                 where.train, " and ", where.test, " do not have the same sub-folders");
  list.class_names = class_names_of(root, folders);
  UnreadFiles unread;
  for (size_t label = 0; label < folders.size(); ++label) {
    const std::string folder = (fs::path(root) / folders[label]).string();
    const ImageTree tree = read_image_tree(root, folder);
    check<IoError>(!tree.images.empty(), "cannot use ", folder, ": it has no image (", read_formats, ")",
                   tree.unread.empty() ? "" : ", and what it has is not read: " + tree.unread.text());
    unread.add(tree.unread);
    for (const std::string& name : tree.images)
      list.images.push_back({.path = (fs::path(folder) / name).string(),
                             .name = folders[label] + "/" + name,
                             .label = static_cast<int64_t>(label),
                             .caption = {}});
  }
  note_unread(unread, list);
}

/// Images in the root itself, or in its sub-folders, one for each class.
void list_folders(const SplitFolders& where, ImageList& list) {
  const std::vector<std::string> folders = folders_in(list.root), images = images_in(list.root);
  const auto with_images = std::find_if(folders.begin(), folders.end(), [&](const std::string& name) {
    return has_image((fs::path(list.root) / name).string());
  });
  check<IoError>(images.empty() || with_images == folders.end(), "cannot use ", list.root,
                 ": images lie in the folder itself (", images.empty() ? "" : images.front(),
                 ") and in its sub-folder ", with_images == folders.end() ? "" : *with_images,
                 "; move them all into sub-folders, one for each class, or all into the folder itself");
  if (with_images != folders.end()) return list_class_folders(where, folders, list);
  const ImageTree tree = read_image_tree(list.root, list.root);
  check<IoError>(!tree.images.empty(), "cannot use ", list.root, ": it has no image (", read_formats, ")",
                 tree.unread.empty() ? "" : ", and what it has is not read: " + tree.unread.text());
  for (const std::string& name : tree.images)
    list.images.push_back({.path = (fs::path(list.root) / name).string(), .name = name, .label = -1, .caption = {}});
  note_unread(tree.unread, list);
}

}  // namespace

bool has_images(const std::string& directory) {
  if (!is_folder(directory)) return false;
  const SplitFolders where = split_folders(directory, Split::train);
  return !list_of(where.root).empty() || has_image(where.root);
}

ImageList list_images(const std::string& directory, Split split) {
  const SplitFolders where = split_folders(directory, split);
  ImageList list;
  list.root = where.root;
  if (list_of(where.root).empty()) list_folders(where, list);
  else add_listed_images(where.train, list);
  if (where.test.empty()) take_split(directory, split, list);
  if (!where.others.empty())
    list.notes.push_back(plural(static_cast<int64_t>(where.others.size()), "folder") + " in " + directory +
                         " beside train and " + fs::path(where.test).filename().string() +
                         (where.others.size() == 1 ? " is" : " are") + " not read (" + where.others.front() +
                         (where.others.size() == 1 ? ")" : ", ...)"));
  check<IoError>(!list.images.empty(), "cannot use ", directory, ": no image is left for the ", split,
                 " split (without folders train and test, every ", test_every, "th file",
                 list.class_names.empty() ? "" : " of a class", " is a test image: it takes ", test_every,
                 " files for one)");
  return list;
}

}  // namespace ditharos::data
