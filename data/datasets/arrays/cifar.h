#pragma once
// The binary versions of CIFAR-10 and CIFAR-100 (https://www.cs.toronto.edu/~kriz/cifar.html): records of one label
// byte (CIFAR-10), or of a coarse and a fine one (CIFAR-100), and 3 x 32 x 32 bytes of pixels, red, green, blue.
#include <string>

#include <ditharos/data/datasets/dataset.h>

namespace ditharos::data {

struct CifarOptions {
  bool coarse = false;  ///< CIFAR-100's 20 coarse labels instead of its 100 fine ones
};

/// True when `directory` holds a file that load_cifar would look for, or the Python version, which it refuses with a
/// sentence.
[[nodiscard]] bool is_cifar_directory(const std::string& directory);

/// The data set in `directory`, images u8 [N, 3, 32, 32]. CIFAR-10: data_batch_1.bin to data_batch_5.bin in this order,
/// or test_batch.bin; class names from batches.meta.txt. CIFAR-100: train.bin or test.bin; fine_label_names.txt or
/// coarse_label_names.txt. Without a file of names, the names are numbers. A file holds any whole number of records.
/// IoError with the path and the reason when a file is missing, empty, cut off, of another kind, or a link out of the
/// folder, and when a label has no name. ConfigError for coarse labels of CIFAR-10.
[[nodiscard]] Dataset load_cifar(const std::string& directory, Split split, const CifarOptions& options = {});

}  // namespace ditharos::data
