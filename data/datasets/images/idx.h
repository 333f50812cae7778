#pragma once
// IDX files, the format of MNIST and of data sets modelled on it (http://yann.lecun.com/exdb/mnist): a magic number
// 0x00 0x00 0x08 rank, one big-endian 32-bit size per axis, then the bytes.
#include <string>
#include <vector>

#include <ditharos/data/datasets/dataset.h>

namespace ditharos::data {

/// The most bytes that are decompressed from one .gz. A plain file is limited by its own length.
inline constexpr uint64_t default_max_expanded = uint64_t{1} << 30;

/// Images of an IDX file of rank 3, plain or .gz: u8 [N, 1, H, W]. IoError with the path and the reason when the file
/// is missing, of another kind, cut off, longer than its header says or otherwise damaged, or when a .gz holds more
/// than `max_expanded` bytes. Memory is allocated only for elements that exist.
Tensor read_idx_images(const std::string& path, uint64_t max_expanded = default_max_expanded);
/// Labels of an IDX file of rank 1, plain or .gz: i64 [N].
Tensor read_idx_labels(const std::string& path, uint64_t max_expanded = default_max_expanded);

/// True when `directory` holds a file that load_idx would look for.
[[nodiscard]] bool is_idx_directory(const std::string& directory);

/// The data set in `directory`: {train,t10k}-images-idx3-ubyte and {train,t10k}-labels-idx1-ubyte, or with a dot before
/// "idx", each plain or with .gz (plain first). The class names are the first of these that exist: `class_names`; the
/// lines of classes.txt in the directory; Fashion-MNIST's, when the directory is called fashion-mnist and the labels
/// are 0..9; else the numbers 0..largest label. IoError with the path and the reason.
[[nodiscard]] Dataset load_idx(const std::string& directory, Split split,
                               const std::vector<std::string>& class_names = {});

/// "T-shirt/top", "Trouser", ... (Xiao, Rasul and Vollgraf, "Fashion-MNIST", 2017, table 2).
const std::vector<std::string>& fashion_mnist_class_names();
/// The directory of Debian's and Ubuntu's package dataset-fashion-mnist, or "" when it is not installed.
[[nodiscard]] std::string find_fashion_mnist();

}  // namespace ditharos::data
