#include <ditharos/data/datasets/arrays/array_set.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <system_error>

#include <ditharos/data/datasets/arrays/array_pixels.h>
#include <ditharos/data/datasets/folder_bounds.h>
#include <ditharos/data/datasets/folder_contents.h>
#include <ditharos/data/datasets/names.h>
#include <ditharos/tensor/io/numpy_file.h>

namespace ditharos::data {
namespace {

namespace fs = std::filesystem;

constexpr int64_t test_every = 10;

/// Names of arrays: of both splits, or of the one that is divided.
struct Layout {
  const char *images, *labels, *test_images = nullptr, *test_labels = nullptr;
};
constexpr std::array<Layout, 4> layouts{{{"x_train", "y_train", "x_test", "y_test"},
                                         {"train_images", "train_labels", "test_images", "test_labels"},
                                         {"images", "labels"},
                                         {"arr_0", "arr_1"}}};

bool has(const std::vector<std::string>& names, const char* name) {
  return name && std::find(names.begin(), names.end(), name) != names.end();
}

bool has_ending(const fs::path& path, const std::string& ending) {
  std::string own = path.extension().string();
  std::transform(own.begin(), own.end(), own.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  return own == ending;
}

/// The names of the .npy files of a directory, without the ending.
std::vector<std::string> arrays_in(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    const fs::path& path = it->path();
    if (!is_hidden(path.filename().string()) && path.extension() == ".npy") names.push_back(path.stem().string());
  }
  return names;
}

/// Arrays by name: of an archive, of a folder, or one.
class Arrays {
 public:
  explicit Arrays(const std::string& path) : path_(path) {
    std::error_code unknown;
    if (fs::is_directory(path, unknown)) {
      names_ = arrays_in(path);
    } else {
      in_archive_ = has_ending(path, ".npz");
      if (!in_archive_) names_.emplace_back(only), is_one_ = true;
    }
    if (in_archive_) names_ = npz_names(path_);
    std::sort(names_.begin(), names_.end());
  }

  static constexpr const char* only = "images";
  const std::vector<std::string>& names() const { return names_; }
  /// The name of an array in messages.
  std::string title(const char* name) const {
    if (is_one_) return path_;
    return in_archive_ ? "the array '" + std::string(name) + "' of " + path_ : file_of(name);
  }
  Tensor load(const char* name) const {
    if (is_one_) return load_npy(path_);
    if (in_archive_) return load_npz(path_, {name}).at(name);
    check_inside(path_, file_of(name));
    return load_npy(file_of(name));
  }
  /// The folder with classes.txt.
  std::string folder() const {
    std::error_code unknown;
    if (fs::is_directory(path_, unknown)) return path_;
    const fs::path parent = fs::path(path_).parent_path();
    return parent.empty() ? "." : parent.string();
  }

 private:
  std::string file_of(const char* name) const { return (fs::path(path_) / (std::string(name) + ".npy")).string(); }

  std::string path_;
  std::vector<std::string> names_;
  bool in_archive_ = false, is_one_ = false;
};

const Layout& layout_of(const Arrays& arrays, const std::string& path) {
  const Layout* found = nullptr;
  for (const Layout& layout : layouts) {
    if (!has(arrays.names(), layout.images) && !has(arrays.names(), layout.test_images)) continue;
    check<IoError>(!found, "cannot use ", path, ": it has the arrays ", found ? found->images : "", " and ",
                   layout.images, "; one data set a folder or archive");
    found = &layout;
  }
  std::string names;
  for (size_t i = 0; i < std::min<size_t>(arrays.names().size(), 8); ++i) names += (i ? ", " : "") + arrays.names()[i];
  check<IoError>(found, "cannot use ", path, ": it has no array of images, which are named images, x_train, ",
                 "train_images or arr_0; it holds ", names.empty() ? "no arrays" : names);
  return *found;
}

std::string unread_note(const Arrays& arrays, const Layout& layout, const std::string& path) {
  int64_t unread = 0;
  std::string first;
  for (const std::string& name : arrays.names()) {
    bool known = false;
    for (const char* own : {layout.images, layout.labels, layout.test_images, layout.test_labels})
      known = known || (own && name == own);
    if (!known && unread++ == 0) first = name;
  }
  if (unread == 0) return "";
  return std::to_string(unread) + (unread == 1 ? " array in " : " arrays in ") + path +
         (unread == 1 ? " is not read: " : " are not read, such as ") + first;
}

std::vector<std::string> names_for(const Arrays& arrays, const Tensor& labels, const std::string& title) {
  const int64_t* label = labels.data<int64_t>();
  const int64_t* largest = std::max_element(label, label + labels.numel());
  std::vector<std::string> names = read_class_names(arrays.folder());
  if (names.empty()) return numbered_class_names(*largest + 1);
  check<IoError>(*largest < static_cast<int64_t>(names.size()), "cannot use ", title, ": label ", largest - label,
                 " is ", *largest, ", but classes.txt has names for ", names.size(), " classes");
  return names;
}

/// Every tenth image, or the others.
std::vector<int64_t> indices_of(int64_t n, Split split) {
  std::vector<int64_t> indices;
  for (int64_t i = 0; i < n; ++i) {
    if (((i + 1) % test_every == 0) == (split == Split::test)) indices.push_back(i);
  }
  return indices;
}

}  // namespace

bool is_array_set(const std::string& path) {
  std::error_code unknown;
  if (!fs::is_directory(path, unknown))
    return fs::exists(path, unknown) && (has_ending(path, ".npz") || has_ending(path, ".npy"));
  for (const Layout& layout : layouts) {
    for (const char* name : {layout.images, layout.test_images}) {
      if (name && fs::exists(fs::path(path) / (std::string(name) + ".npy"), unknown)) return true;
    }
  }
  return false;
}

Opened load_array_set(const std::string& path, Split split) {
  const Arrays arrays(path);
  const Layout& layout = layout_of(arrays, path);
  const bool both = layout.test_images != nullptr, test = split == Split::test;
  const char* images_name = both && test ? layout.test_images : layout.images;
  const char* labels_name = both && test ? layout.test_labels : layout.labels;
  check<IoError>(has(arrays.names(), images_name), "cannot use ", path, ": it has no array ", images_name, " for the ",
                 split, " split");
  const bool other_labels = has(arrays.names(), layout.labels) || has(arrays.names(), layout.test_labels);
  const bool labelled = has(arrays.names(), labels_name);
  check<IoError>(labelled || !other_labels, "cannot use ", path, ": it has ", images_name, " but no ", labels_name);

  std::vector<std::string> notes;
  // Labels first: they are small, and what is wrong with them is said before the images are read.
  Tensor labels;
  if (labelled) labels = labels_of(arrays.load(labels_name), arrays.title(labels_name));
  std::string note;
  const Tensor images = images_of(arrays.load(images_name), arrays.title(images_name), note);
  const int64_t count = images.size(0);
  if (!note.empty()) notes.push_back(note);
  if (!labelled) notes.push_back(path + " has no labels: its images are without classes");
  check<IoError>(!labelled || labels.size(0) == count, "cannot use ", path, ": it has ", count, " images, but ",
                 labelled ? labels.size(0) : 0, " labels");
  const Dataset all(images, labels,
                    labelled ? names_for(arrays, labels, arrays.title(labels_name)) : std::vector<std::string>());
  if (std::string unread = unread_note(arrays, layout, path); !unread.empty()) notes.push_back(std::move(unread));
  if (both) return {.dataset = all, .notes = notes};

  const int64_t held_out = count / test_every;
  check<IoError>(!test || held_out > 0, "cannot use ", path, ": no image is left for the test split, which has every ",
                 test_every, "th image; there are ", count);
  if (held_out > 0)
    notes.push_back(std::to_string(held_out) + " of the " + std::to_string(count) + " images in " + path + ", every " +
                    std::to_string(test_every) + "th, are held out for testing");
  return {.dataset = all.subset(indices_of(count, split)), .notes = notes};
}

}  // namespace ditharos::data
