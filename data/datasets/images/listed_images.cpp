#include <ditharos/data/datasets/images/listed_images.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <set>

#include <ditharos/data/datasets/images/image_tree.h>
#include <ditharos/data/datasets/images/metadata.h>
#include <ditharos/data/datasets/names.h>
#include <ditharos/data/text/captions.h>

namespace ditharos::data {
namespace {

namespace fs = std::filesystem;

constexpr int64_t largest_label = 65535;

/// The rows of the list at `path`, whatever its format.
std::vector<MetadataRow> read_list(const std::string& path) {
  if (fs::path(path).stem() == "metadata") return read_metadata(path);
  std::vector<MetadataRow> rows;
  for (FileCaption& entry : read_captions(fs::path(path).parent_path().string()))
    rows.push_back({.file = std::move(entry.file), .text = std::move(entry.caption), .label = {}, .line = entry.line});
  return rows;
}

std::string position(const std::string& path, const MetadataRow& row) { return path + ":" + std::to_string(row.line); }

int64_t number_of(const MetadataRow& row, const std::string& path) {
  int64_t number = -1;
  const std::string& text = *row.label;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  check<IoError>(error == std::errc() && end == text.data() + text.size() && number <= largest_label, "cannot read ",
                 position(path, row), ": the label ", text, " is not in 0..", largest_label);
  return number;
}

/// The classes of a list: its labels in the order of their bytes, or for numbers the lines of classes.txt beside it,
/// and without that the numbers 0 to the largest one.
std::vector<std::string> class_names_of(const std::vector<MetadataRow>& rows, const std::string& path) {
  if (!rows.front().label) return {};
  if (!rows.front().numeric) {
    std::set<std::string> names;
    for (const MetadataRow& row : rows) names.insert(*row.label);
    return {names.begin(), names.end()};
  }
  std::vector<std::string> names = read_class_names(fs::path(path).parent_path().string());
  if (!names.empty()) return names;
  int64_t largest = 0;
  for (const MetadataRow& row : rows) largest = std::max(largest, number_of(row, path));
  return numbered_class_names(largest + 1);
}

/// Refuses images that the list names twice to no purpose.
class Repetitions {
 public:
  void add(const MetadataRow& row, const std::string& name, const std::string& path) {
    const auto [before, is_new] = lines_.try_emplace({name, row.label ? "" : row.text.value_or("")}, row.line);
    check<IoError>(is_new, "cannot read ", position(path, row), ": it names ", row.file,
                   row.label ? "" : " with the same caption", " a second time, after line ", before->second);
  }

 private:
  std::map<std::pair<std::string, std::string>, int64_t> lines_;
};

void note_unlisted(const std::string& path, ImageList& list) {
  std::set<std::string> named;
  for (const ListedImage& image : list.images) named.insert(image.name);
  int64_t unlisted = 0;
  std::string first;
  for (const std::string& name : read_image_tree(list.root, list.root).images) {
    if (named.contains(name)) continue;
    if (unlisted++ == 0) first = name;
  }
  if (unlisted == 0) return;
  const bool one = unlisted == 1;
  list.notes.push_back(std::to_string(unlisted) + (one ? " image in " : " images in ") + list.root +
                       (one ? " is" : " are") + " not read: " + fs::path(path).filename().string() + " does not name " +
                       (one ? "it" : "them") + " (" + first + (one ? ")" : ", ...)"));
}

}  // namespace

std::string list_of(const std::string& directory) {
  const std::string metadata = metadata_path(directory);
  if (!has_captions(directory)) return metadata;
  check<IoError>(metadata.empty(), "cannot use ", directory, ": it has a list of captions and ",
                 fs::path(metadata).filename().string(), "; one of them is enough");
  std::error_code missing;
  const fs::path text = fs::path(directory) / "captions.txt";
  return fs::exists(text, missing) ? text.string() : (fs::path(directory) / "captions.jsonl").string();
}

void add_listed_images(const std::string& train, ImageList& list) {
  const std::string path = list_of(list.root), deciding = list_of(train);
  check<IoError>(!deciding.empty(), "cannot use ", train, ": it has no list of its images, and ", list.root, " has ",
                 fs::path(path).filename().string());
  const std::vector<MetadataRow> rows = read_list(path);
  list.class_names = deciding == path ? class_names_of(rows, path) : class_names_of(read_list(deciding), deciding);
  check<IoError>(rows.front().label.has_value() == !list.class_names.empty(), "cannot use ", path, " with ", deciding,
                 ": one of them has labels and the other has none");
  std::map<std::string, int64_t> label_of;
  for (const std::string& name : list.class_names) label_of.emplace(name, static_cast<int64_t>(label_of.size()));
  list.has_captions = rows.front().text.has_value();

  LinkCheck links(list.root);
  Repetitions repetitions;
  for (const MetadataRow& row : rows) {
    ListedImage image;
    image.name = fs::path(row.file).lexically_normal().string();
    image.path = (fs::path(list.root) / image.name).string();
    image.caption = row.text.value_or("");
    image.listed_in = position(path, row);
    repetitions.add(row, image.name, path);
    links.check_file(image.path);
    if (row.label) {
      const auto known = label_of.find(*row.label);
      image.label = row.numeric ? number_of(row, path) : known == label_of.end() ? -1 : known->second;
      check<IoError>(image.label >= 0 && image.label < static_cast<int64_t>(list.class_names.size()), "cannot read ",
                     position(path, row), ": the label ", *row.label, " of ", row.file, " is none of the ",
                     list.class_names.size(), " classes of ", train);
    }
    list.images.push_back(std::move(image));
  }
  note_unlisted(path, list);
}

}  // namespace ditharos::data
