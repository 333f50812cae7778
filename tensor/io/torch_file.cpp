#include <ditharos/tensor/io/torch_file.h>

#include <algorithm>
#include <bit>
#include <set>
#include <string_view>
#include <utility>

#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/io/quoted_text.h>
#include <ditharos/tensor/io/torch/pickle.h>
#include <ditharos/tensor/io/torch/tensor_records.h>
#include <ditharos/tensor/io/torch/zip_archive.h>

namespace ditharos::torch_file {
namespace {

using pickle::Kind;
using pickle::Value;

static_assert(std::endian::native == std::endian::little, "the records are little-endian, and so must the machine be");

bool is_tensor(const Value& value) { return value.kind == Kind::tensor || value.kind == Kind::tensor_v3; }

/// Refuses what torch.save wrote in other formats, with a sentence that says what to do.
void check_format(const InputFile& file) {
  check<IoError>(file.size() > 0, "it is empty");
  std::string start(size_t(std::min<uint64_t>(file.size(), 512)), '\0');
  file.read(0, start.data(), start.size());
  const char* const convert =
      "; convert it in Python, and only if you trust it, with torch.save(torch.load(OLD, weights_only=True), NEW)";
  const std::string_view legacy("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 12);
  check<IoError>(start.size() < 2 + legacy.size() || start[0] != '\x80' || start.substr(2, legacy.size()) != legacy,
                 "it was written by torch.save in the format before PyTorch 1.6, which is no zip archive", convert);
  check<IoError>(start.size() < 262 || start.substr(257, 5) != "ustar",
                 "it was written by torch.save in the format before PyTorch 0.1.10, a tar archive", convert);
  check<IoError>(start.empty() || start[0] != '\x80', "it is a pickle, but not a zip archive of torch.save", convert);
}

/// The folder that holds all records: "archive/" of "archive/data.pkl".
std::string folder_of(const ZipArchive& archive) {
  const std::string_view pickle = "data.pkl";
  std::string folder;
  int found = 0;
  for (const std::string& name : archive.names()) {
    check<IoError>(name != "constants.pkl" && !name.ends_with("/constants.pkl"),
                   "it is a TorchScript archive; save the state_dict() of the model with torch.save");
    if (!name.ends_with(pickle)) continue;
    const std::string before = name.substr(0, name.size() - pickle.size());
    if (!before.empty() && (before.back() != '/' || before.find('/') + 1 != before.size())) continue;
    folder = before;
    ++found;
  }
  check<IoError>(found == 1, "it is a zip archive, but not one of torch.save, which has one entry FOLDER/data.pkl");
  return folder;
}

std::string read_text(const ZipArchive& archive, const std::string& name, uint64_t limit) {
  const ZipArchive::Entry* entry = archive.find(name);
  check<IoError>(entry != nullptr, "it has no entry ", quote(name));
  check<IoError>(entry->size <= limit, "its entry ", quote(name), " has ", entry->size, " bytes; the limit is ", limit);
  std::string text(size_t(entry->size), '\0');
  archive.read(name, *entry, text.data());
  return text;
}

void check_byte_order(const ZipArchive& archive, const std::string& folder) {
  const std::string name = folder + "byteorder";
  if (!archive.find(name)) return;  // before PyTorch 2.1
  const std::string order = read_text(archive, name, 64);
  check<IoError>(order == "little", "its bytes are in the order ", quote(order),
                 "; only little-endian files can be read: load and save it with PyTorch on this machine");
}

/// A state dict within the pickle.
struct Found {
  Value dict;
  std::string name;
};

class Selection {
 public:
  explicit Selection(const pickle::Document& document) : document_(document) {}

  Found choose(const std::string& wanted) const {
    Found at{document_.root, ""};
    check<IoError>(at.dict.kind == Kind::dict, "it holds no dict, but ", name_of(at.dict),
                   "; a state dict is a dict of tensors by name");
    if (!wanted.empty()) return explicitly(at, wanted);
    // A few levels, since a dict may contain itself.
    for (int level = 0; level < 4 && !holds_tensors(at.dict); ++level) {
      bool deeper = false;
      for (const std::string& name : state_dict_names())
        if (const Value* entry = find(at.dict, name); entry && entry->kind == Kind::dict) {
          at = {*entry, at.name.empty() ? name : at.name + "/" + name};
          deeper = true;
          break;
        }
      if (!deeper) break;
    }
    check<IoError>(holds_tensors(at.dict), "it holds no state dict under one of the usual names",
                   at.name.empty() ? "" : " in " + quote(at.name), "; ", listing(at.dict));
    return at;
  }

  bool holds_tensors(const Value& dict) const {
    const auto& items = document_.items(dict);
    for (size_t i = 0; i + 1 < items.size(); i += 2)
      if (items[i].kind == Kind::text && is_tensor(items[i + 1])) return true;
    return false;
  }

  /// The top-level entries that hold tensors.
  std::vector<std::string> candidates() const {
    std::vector<std::string> names;
    const auto& items = document_.items(document_.root);
    for (size_t i = 0; i + 1 < items.size(); i += 2)
      if (items[i].kind == Kind::text && items[i + 1].kind == Kind::dict && holds_tensors(items[i + 1]))
        names.emplace_back(items[i].text());
    std::ranges::sort(names);
    return names;
  }

 private:
  static const char* name_of(const Value& value) {
    switch (value.kind) {
      case Kind::tensor:
      case Kind::tensor_v3: return "a tensor";
      case Kind::list: return "a list";
      case Kind::tuple: return "a tuple";
      default: return "another value";
    }
  }
  const Value* find(const Value& dict, std::string_view name) const {
    const auto& items = document_.items(dict);
    for (size_t i = 0; i + 1 < items.size(); i += 2)
      if (items[i].kind == Kind::text && items[i].text() == name) return &items[i + 1];
    return nullptr;
  }
  Found explicitly(Found at, const std::string& wanted) const {
    for (size_t begin = 0; begin <= wanted.size();) {
      const size_t end = std::min(wanted.find('/', begin), wanted.size());
      const Value* entry = find(at.dict, std::string_view(wanted).substr(begin, end - begin));
      check<IoError>(entry && entry->kind == Kind::dict, "it has no state dict ", quote(wanted), "; ",
                     listing(at.dict));
      at.dict = *entry;
      begin = end + 1;
    }
    check<IoError>(holds_tensors(at.dict), "its entry ", quote(wanted), " holds no tensors; ", listing(at.dict));
    at.name = wanted;
    return at;
  }
  /// "its entries are "a", "b" and 3 more"
  std::string listing(const Value& dict) const {
    constexpr size_t most = 8;
    std::string text;
    size_t count = 0;
    const auto& items = document_.items(dict);
    for (size_t i = 0; i + 1 < items.size(); i += 2)
      if (items[i].kind == Kind::text && count++ < most)
        text += (text.empty() ? "" : ", ") + quote(items[i].text().substr(0, 100));
    if (count > most) text += " and " + std::to_string(count - most) + " more";
    return count == 0 ? "it has no named entries" : "its entries are " + text;
  }

  const pickle::Document& document_;
};

Contents read(const InputFile& file, const Options& options) {
  check_format(file);
  const ZipArchive archive(file);
  const std::string folder = folder_of(archive);
  check_byte_order(archive, folder);
  const std::string text = read_text(archive, folder + "data.pkl", file.size());
  const pickle::Document document = pickle::read(text);
  const Selection selection(document);
  const Found found = selection.choose(options.state_dict);

  Contents contents;
  contents.state_dict = found.name;
  for (std::string& name : selection.candidates())
    if (name != found.name) contents.others.push_back(std::move(name));
  TensorRecords records(document, archive, folder + "data/", options.mode == LoadMode::map ? file.map() : nullptr);
  std::set<std::string> names;
  const auto& items = document.items(found.dict);
  for (size_t i = 0; i + 1 < items.size(); i += 2) {
    if (items[i].kind != Kind::text) continue;
    const std::string name(items[i].text());
    check<IoError>(is_utf8(name), "a name in the state dict is not UTF-8: ", quote(name));
    check<IoError>(names.insert(name).second, "the state dict names ", quote(name), " twice");
    if (is_tensor(items[i + 1])) contents.tensors.emplace(name, records.read(name, items[i + 1]));
    else contents.skipped.push_back(name);
  }
  std::ranges::sort(contents.skipped);
  return contents;
}

}  // namespace

const std::vector<std::string>& state_dict_names() {
  static const std::vector<std::string> names = {"ema",        "model_ema",        "state_dict_ema", "model",
                                                 "state_dict", "model_state_dict", "module"};
  return names;
}

Contents load(const std::string& path, const Options& options) {
  const InputFile file(path);
  try {
    return read(file, options);
  } catch (const IoError& e) {
    fail<IoError>("cannot read ", path, ": ", e.what());
  }
}

}  // namespace ditharos::torch_file
