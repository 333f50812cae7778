#include <ditharos/data/datasets/arrays/cifar.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>

#include <ditharos/data/datasets/folder_bounds.h>
#include <ditharos/data/datasets/names.h>
#include <ditharos/tensor/io/file.h>

namespace ditharos::data {
namespace {

namespace fs = std::filesystem;

constexpr int64_t pixels = 3 * 32 * 32;
constexpr int64_t most_images = int64_t{1} << 40;  // of all files together, so that counts do not overflow

/// One of the two data sets.
struct Version {
  const char* name;
  int64_t label_bytes, label_at, classes;
  const char* names_file;
  int64_t record() const { return label_bytes + pixels; }
};
constexpr Version cifar10{"CIFAR-10", 1, 0, 10, "batches.meta.txt"};
constexpr Version fine{"CIFAR-100", 2, 1, 100, "fine_label_names.txt"};
constexpr Version coarse{"CIFAR-100", 2, 0, 20, "coarse_label_names.txt"};

std::string in(const std::string& directory, const std::string& name) { return (fs::path(directory) / name).string(); }
bool exists(const std::string& directory, const std::string& name) {
  std::error_code missing;
  return fs::exists(in(directory, name), missing);
}

std::vector<std::string> files_of_10(Split split) {
  if (split == Split::test) return {"test_batch.bin"};
  return {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"};
}
std::vector<std::string> files_of_100(Split split) { return {split == Split::test ? "test.bin" : "train.bin"}; }

bool has_any(const std::string& directory, std::vector<std::string> (*files)(Split)) {
  for (const Split split : {Split::train, Split::test}) {
    for (const std::string& name : files(split)) {
      if (exists(directory, name)) return true;
    }
  }
  return false;
}
/// The pickles of the Python version.
bool has_pickles(const std::string& directory) {
  return exists(directory, "batches.meta") || (exists(directory, "meta") && exists(directory, "train"));
}

/// A file of records, open and checked.
struct Records {
  std::unique_ptr<InputFile> file;
  int64_t count = 0;
};

Records open_records(const std::string& directory, const std::string& name, const Version& version) {
  const std::string path = in(directory, name);
  check<IoError>(exists(directory, name), "cannot read ", version.name, " from ", directory, ": it has no ", name);
  check_inside(directory, path);
  Records records{std::make_unique<InputFile>(path)};
  const auto size = static_cast<int64_t>(records.file->size());
  records.count = size / version.record();
  check<IoError>(size > 0, "cannot read ", path, ": it is empty");
  check<IoError>(size % version.record() == 0, "cannot read ", path, ": it has ", size, " bytes, which is no multiple ",
                 "of the ", version.record(), " bytes of a record of ", version.name, "; it is cut off or of another ",
                 "format");
  return records;
}

void read_records(const Records& records, const Version& version, uint8_t* images, int64_t* labels) {
  constexpr int64_t most = 256;  // records read at once
  std::vector<uint8_t> block(static_cast<size_t>(most * version.record()));
  for (int64_t first = 0; first < records.count; first += most) {
    const int64_t n = std::min(most, records.count - first);
    records.file->read(static_cast<uint64_t>(first * version.record()), block.data(),
                       static_cast<size_t>(n * version.record()));
    for (int64_t i = 0; i < n; ++i) {
      const uint8_t* record = block.data() + i * version.record();
      const int64_t label = record[version.label_at];
      check<IoError>(label < version.classes, "cannot read ", records.file->path(), ": the label of record ", first + i,
                     " is ", label, ", but ", version.name, " has the classes 0 to ", version.classes - 1);
      labels[first + i] = label;
      std::memcpy(images + (first + i) * pixels, record + version.label_bytes, static_cast<size_t>(pixels));
    }
  }
}

std::vector<std::string> class_names(const std::string& directory, const Version& version) {
  if (!exists(directory, version.names_file)) return numbered_class_names(version.classes);
  const std::string path = in(directory, version.names_file);
  check_inside(directory, path);
  std::vector<std::string> names = read_class_names_file(path);
  check<IoError>(static_cast<int64_t>(names.size()) == version.classes, "cannot use ", path, ": it has ", names.size(),
                 " names, but ", version.name, " has ", version.classes, " classes");
  return names;
}

}  // namespace

bool is_cifar_directory(const std::string& directory) {
  return has_any(directory, files_of_10) || has_any(directory, files_of_100) || has_pickles(directory);
}

Dataset load_cifar(const std::string& directory, Split split, const CifarOptions& options) {
  const bool is_10 = has_any(directory, files_of_10), is_100 = has_any(directory, files_of_100);
  check<IoError>(is_10 || is_100 || !has_pickles(directory), "cannot read ", directory,
                 ": it holds the Python version of CIFAR, whose pickles are not read; download the binary version");
  check<IoError>(is_10 || is_100, "cannot read ", directory,
                 ": it has no files of CIFAR-10 (data_batch_1.bin and so on, test_batch.bin) or CIFAR-100 (train.bin, ",
                 "test.bin)");
  check<IoError>(!is_10 || !is_100, "cannot read ", directory,
                 ": it has files of CIFAR-10 and of CIFAR-100; put each into a folder of its own");
  check<ConfigError>(!options.coarse || is_100, "[load_cifar] ", directory,
                     " holds CIFAR-10, which has no coarse labels");
  const Version& version = is_10 ? cifar10 : options.coarse ? coarse : fine;

  std::vector<Records> files;
  int64_t count = 0;
  for (const std::string& name : is_10 ? files_of_10(split) : files_of_100(split)) {
    files.push_back(open_records(directory, name, version));
    count += files.back().count;
    check<IoError>(count <= most_images, "cannot read ", directory, ": it has more than ", most_images, " images");
  }
  const std::vector<std::string> names = class_names(directory, version);
  Tensor images({count, 3, 32, 32}, DType::u8), labels({count}, DType::i64);
  uint8_t* image = images.mutable_data<uint8_t>();
  int64_t* label = labels.mutable_data<int64_t>();
  for (const Records& records : files) {
    read_records(records, version, image, label);
    image += records.count * pixels;
    label += records.count;
  }
  return {images, labels, names};
}

}  // namespace ditharos::data
