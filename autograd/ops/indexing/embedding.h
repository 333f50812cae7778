#pragma once
#include <cstdint>
#include <optional>

#include <ditharos/tensor/tensor.h>

namespace ditharos {

struct EmbeddingOptions {
  /// A row that gets no gradient; it counts from the end where it is negative.
  std::optional<int64_t> padding_idx = {};
  /// Divides the gradient of a row by the number of its indices. Forward mode does not.
  bool scale_grad_by_freq = false;
};
/// Rows of a table: indices i64 of any shape, weight [N, D] -> [..., D]. The options change gradients and no values.
/// ShapeError for an index outside of the table, ConfigError for such a padding_idx.
Tensor embedding(const Tensor& indices, const Tensor& weight, const EmbeddingOptions& options = {});

}  // namespace ditharos
