#pragma once
// Internal to data/datasets/arrays/.
// Arrays of any order of axes and type as images and labels.
#include <string>

#include <ditharos/tensor/tensor.h>

namespace ditharos::data {

/// Images as u8 [N, C, H, W], contiguous, by the rules of load_array_set. `name` is the array in messages. `note`
/// becomes a sentence on how numbers were converted; it stays empty for u8. IoError for what the rules refuse.
Tensor images_of(const Tensor& array, const std::string& name, std::string& note);
/// Labels as i64 [N], none negative, of integers [N] or [N, 1].
Tensor labels_of(const Tensor& array, const std::string& name);

}  // namespace ditharos::data
