#include <ditharos/data/datasets/images/idx.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <limits>

#include <ditharos/data/codecs/byte_reader.h>
#include <ditharos/data/datasets/folder_bounds.h>
#include <ditharos/data/datasets/names.h>

namespace ditharos::data {
namespace {

namespace fs = std::filesystem;

uint32_t read_be32(ByteReader& reader, const std::string& what) {
  std::array<uint8_t, 4> b{};
  reader.read(b.data(), b.size(), what);
  return uint32_t{b[0]} << 24 | uint32_t{b[1]} << 16 | uint32_t{b[2]} << 8 | uint32_t{b[3]};
}

std::string hex(uint32_t value) {
  std::string text = "0x";
  for (int shift = 28; shift >= 0; shift -= 4) text += "0123456789abcdef"[value >> shift & 15];
  return text;
}

/// The sizes in the header. IoError for another kind of file, a size of 0, or more elements than the file holds.
Shape read_header(ByteReader& reader, int rank, const char* kind, uint64_t max_expanded) {
  const uint32_t magic = read_be32(reader, "the header");
  const uint32_t wanted = 0x0800 | static_cast<uint32_t>(rank);  // 08: unsigned bytes
  check<IoError>(magic == wanted, "cannot read ", reader.path(), ": its magic number is ", hex(magic),
                 ", an IDX file of ", kind, " starts with ", hex(wanted));
  Shape sizes;
  for (int axis = 0; axis < rank; ++axis) sizes.push_back(read_be32(reader, "the header"));
  uint64_t elements = 1;
  for (const int64_t size : sizes) {
    check<IoError>(size > 0, "cannot read ", reader.path(), ": its header announces sizes ", sizes,
                   ", and one of them is 0");
    // The bound is below 2^64 and each size below 2^32: divide instead of multiplying, and nothing overflows.
    check<IoError>(elements <= reader.most_bytes() / static_cast<uint64_t>(size), "cannot read ", reader.path(),
                   ": its header announces sizes ", sizes, ", more than a file of this length can hold");
    elements *= static_cast<uint64_t>(size);
  }
  check<IoError>(elements <= max_expanded || !reader.path().ends_with(".gz"), "cannot read ", reader.path(),
                 ": its header announces ", kind, " ", sizes, ", ", elements, " bytes, more than the ", max_expanded,
                 " that are decompressed from one file; gunzip it, or raise max_expanded");
  reader.require(elements, kind + (" " + to_text(sizes)));
  return sizes;
}

Tensor take_images(ByteReader& reader, const Shape& sizes) {
  Tensor images({sizes[0], 1, sizes[1], sizes[2]}, DType::u8);
  reader.read(images.mutable_data<uint8_t>(), static_cast<size_t>(images.numel()), "images " + to_text(sizes));
  reader.expect_end();
  return images;
}

Tensor take_labels(ByteReader& reader, const Shape& sizes) {
  Tensor labels(sizes, DType::i64);
  // The bytes are read into the last eighth of the memory and widened in place, from the front on.
  int64_t* out = labels.mutable_data<int64_t>();
  const uint8_t* bytes = reinterpret_cast<uint8_t*>(out) + 7 * sizes[0];
  reader.read(reinterpret_cast<uint8_t*>(out) + 7 * sizes[0], static_cast<size_t>(sizes[0]),
              "labels " + to_text(sizes));
  reader.expect_end();
  for (int64_t i = 0; i < sizes[0]; ++i) out[i] = bytes[i];
  return labels;
}

/// "train-images-idx3-ubyte"; some archives have a dot before "idx".
struct FileName {
  const char *kind, *format;
  std::string in(Split split, const char* separator) const {
    return (split == Split::train ? std::string("train-") : std::string("t10k-")) + kind + separator + format;
  }
};
constexpr FileName images_file{"images", "idx3-ubyte"}, labels_file{"labels", "idx1-ubyte"};

/// The plain or compressed file of that name; "" when there is none.
std::string find_file(const std::string& directory, Split split, const FileName& name) {
  for (const char* separator : {"-", "."}) {
    for (const char* ending : {"", ".gz"}) {
      const fs::path path = fs::path(directory) / (name.in(split, separator) + ending);
      std::error_code missing;
      // Archives that were unpacked one by one leave folders of these names.
      if (fs::exists(path, missing) && !fs::is_directory(path, missing)) return path.string();
    }
  }
  return "";
}

std::string require_file(const std::string& directory, Split split, const FileName& name) {
  const std::string path = find_file(directory, split, name);
  const std::string dash = name.in(split, "-"), dot = name.in(split, ".");
  check<IoError>(!path.empty(), "cannot read a data set from ", directory, ": it has neither ", dash, " nor ", dot,
                 ", plain or .gz");
  check_inside(directory, path);
  return path;
}

bool is_called_fashion_mnist(const std::string& directory) {
  fs::path path = fs::path(directory).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();  // "name/" is "name"
  return path.filename() == "fashion-mnist";
}

std::vector<std::string> default_class_names(const std::string& directory, int64_t largest_label) {
  std::vector<std::string> names = read_class_names(directory);
  if (!names.empty()) return names;
  if (is_called_fashion_mnist(directory) && largest_label == 9) return fashion_mnist_class_names();
  return numbered_class_names(largest_label + 1);
}

}  // namespace

Tensor read_idx_images(const std::string& path, uint64_t max_expanded) {
  ByteReader reader(path);
  return take_images(reader, read_header(reader, 3, "images", max_expanded));
}

Tensor read_idx_labels(const std::string& path, uint64_t max_expanded) {
  ByteReader reader(path);
  return take_labels(reader, read_header(reader, 1, "labels", max_expanded));
}

bool is_idx_directory(const std::string& directory) {
  for (const Split split : {Split::train, Split::test}) {
    for (const FileName& name : {images_file, labels_file}) {
      if (!find_file(directory, split, name).empty()) return true;
    }
  }
  return false;
}

Dataset load_idx(const std::string& directory, Split split, const std::vector<std::string>& class_names) {
  const std::string images_path = require_file(directory, split, images_file);
  const std::string labels_path = require_file(directory, split, labels_file);
  ByteReader labels_reader(labels_path), images_reader(images_path);
  const Shape label_sizes = read_header(labels_reader, 1, "labels", default_max_expanded);
  const Shape image_sizes = read_header(images_reader, 3, "images", default_max_expanded);
  check<IoError>(image_sizes[0] == label_sizes[0], "cannot use ", images_path, ": it has ", image_sizes[0],
                 " images, but ", labels_path, " has ", label_sizes[0], " labels");
  const Tensor labels = take_labels(labels_reader, label_sizes), images = take_images(images_reader, image_sizes);

  const int64_t* label = labels.data<int64_t>();
  const int64_t* largest = std::max_element(label, label + labels.numel());
  const auto names = class_names.empty() ? default_class_names(directory, *largest) : class_names;
  const auto num_names = static_cast<int64_t>(names.size());
  check<IoError>(*largest < num_names, "cannot use ", labels_path, ": label ", largest - label, " is ", *largest,
                 ", but there are names for ", num_names, " classes");
  return {images, labels, names};
}

const std::vector<std::string>& fashion_mnist_class_names() {
  static const std::vector<std::string> names = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                                 "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
  return names;
}

std::string find_fashion_mnist() {
  const std::string directory = "/usr/share/datasets/fashion-mnist";
  return is_idx_directory(directory) ? directory : "";
}

}  // namespace ditharos::data
