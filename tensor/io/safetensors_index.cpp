#include <ditharos/tensor/io/safetensors_index.h>

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/io/json.h>
#include <ditharos/tensor/io/quoted_text.h>
#include <ditharos/tensor/io/safetensors_header.h>

namespace ditharos::safetensors {
namespace {

constexpr size_t max_shards = 4096, max_index_entries = 8 * max_entries;

struct Index {
  std::map<std::string, std::vector<std::string>> shards;  // the names of each shard's tensors
  std::map<std::string, std::string> metadata;
  size_t tensors = 0;
};

void check_shard_name(const std::string& name) {
  const bool plain =
      !name.empty() && name != "." && name != ".." && name.find_first_of(std::string("/\\\0", 3)) == std::string::npos;
  check<IoError>(plain, "the shard ", quote(name), " is not the name of a file in the index's own folder");
}

/// Takes "metadata" and "weight_map", and skips other members of the outermost object.
class IndexReader : public JsonHandler {
 public:
  explicit IndexReader(Index& index) : index_(index) {}
  bool has_weight_map() const { return has_weight_map_; }

  void begin_object() override {
    if (depth_ == 1 && key_ == "weight_map")
      check<IoError>(!std::exchange(has_weight_map_, true), "the key \"weight_map\" comes twice");
    if (depth_ == 1) section_ = key_;
    if (depth_ >= 2) check_outside("an object");
    ++depth_;
  }
  void end_object() override { --depth_; }
  void begin_array() override {
    check<IoError>(depth_ > 0, "it begins with an array");
    check_outside("an array");
    ++depth_;
  }
  void end_array() override { --depth_; }
  void key(std::string&& name) override {
    if (depth_ <= 2) key_ = std::move(name);
    if (depth_ == 1) section_.clear();
  }
  void string(std::string&& value) override {
    if (in("metadata")) {
      index_.metadata[key_] = std::move(value);
      return;
    }
    if (!in("weight_map")) return check_inside();
    check_shard_name(value);
    check<IoError>(++index_.tensors <= max_index_entries, "it names more than ", max_index_entries, " tensors");
    index_.shards[value].push_back(std::move(key_));
    check<IoError>(index_.shards.size() <= max_shards, "it names more than ", max_shards, " shards");
  }
  void whole_number(uint64_t value) override {
    if (in("metadata")) index_.metadata[key_] = std::to_string(value);
    check_outside("a number");
    check_inside();
  }
  void other(const std::string& text) override {
    check_outside(text.c_str());
    check_inside();
  }

 private:
  bool in(const char* section) const { return depth_ == 2 && section_ == section; }
  void check_inside() const { check<IoError>(depth_ > 0, "it is not a JSON object"); }
  /// Within the weight map, every value is the name of a file.
  void check_outside(const char* what) const {
    check<IoError>(depth_ < 2 || section_ != "weight_map", "the shard of tensor ", quote(key_), " is ", what);
  }

  Index& index_;
  int depth_ = 0;
  std::string key_, section_;
  bool has_weight_map_ = false;
};

Index read_index(const std::string& path) {
  const std::string text = read_file(path, max_header);
  Index index;
  IndexReader reader(index);
  try {
    read_json(text, "the index", reader);
    check<IoError>(reader.has_weight_map(), "it has no \"weight_map\"");
    std::vector<std::string> names;
    for (auto& [shard, tensors] : index.shards) {
      std::ranges::sort(tensors);
      names.insert(names.end(), tensors.begin(), tensors.end());
    }
    std::ranges::sort(names);
    const auto twice = std::ranges::adjacent_find(names);
    check<IoError>(twice == names.end(),
                   "the weight map names a tensor twice: ", twice == names.end() ? "" : quote(*twice));
  } catch (const IoError& e) {
    fail<IoError>(path, " is no valid index of safetensors files: ", e.what());
  }
  return index;
}

/// "a", "b" and 3 more
std::string listed(const std::vector<std::string>& names) {
  constexpr size_t most = 5;
  std::string text;
  for (size_t i = 0; i < std::min(most, names.size()); ++i) text += (i ? ", " : "") + quote(names[i]);
  if (names.size() > most) text += " and " + std::to_string(names.size() - most) + " more";
  return text;
}

}  // namespace

Contents load_index(const std::string& path, LoadMode mode) {
  Index index = read_index(path);
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  Contents contents;
  contents.metadata = std::move(index.metadata);
  for (const auto& [name, expected] : index.shards) {
    const std::string shard = (folder / name).string();
    Contents part = load(shard, mode);
    std::vector<std::string> found, missing, extra;
    for (const auto& [tensor, value] : part.tensors) found.push_back(tensor);
    std::ranges::set_difference(expected, found, std::back_inserter(missing));
    std::ranges::set_difference(found, expected, std::back_inserter(extra));
    check<IoError>(missing.empty(), shard, " does not hold ", listed(missing), ", which the index ", path,
                   " says is there");
    check<IoError>(extra.empty(), shard, " holds ", listed(extra), ", which the index ", path,
                   " does not say is there");
    contents.tensors.merge(part.tensors);
    contents.metadata.merge(part.metadata);
  }
  return contents;
}

}  // namespace ditharos::safetensors
