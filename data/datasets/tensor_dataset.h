#pragma once
// Tensors as a data set.
#include <array>
#include <concepts>
#include <cstdint>
#include <vector>

#include <ditharos/tensor/tensor.h>

namespace ditharos::data {

/// ShapeError unless there is an axis 0, of one length, in all.
void check_same_length(const std::vector<Tensor>& tensors);
/// x[i], a view. Error unless 0 <= i < x.size(0).
[[nodiscard]] Tensor row_of(const Tensor& x, int64_t i);

/// torch.utils.data.TensorDataset: sample i is the i-th entry of each tensor along its axis 0, as views.
///
///   data::TensorDataset dataset(images, labels);   // [N, ...] and [N, ...]
///   const auto [image, label] = dataset[0];
template <size_t N>
class TensorDataset {
 public:
  /// ShapeError unless the first axes have one length.
  template <std::same_as<Tensor>... T>
    requires(sizeof...(T) == N && N > 0)
  explicit TensorDataset(const T&... tensors) : tensors_{tensors...} {
    check_same_length({tensors...});
  }

  int64_t size() const { return tensors_[0].size(0); }
  std::array<Tensor, N> operator[](int64_t i) const {
    std::array<Tensor, N> sample;
    for (size_t k = 0; k < N; ++k) sample[k] = row_of(tensors_[k], i);
    return sample;
  }
  const std::array<Tensor, N>& tensors() const { return tensors_; }

 private:
  std::array<Tensor, N> tensors_;
};
template <std::same_as<Tensor>... T>
TensorDataset(const T&...) -> TensorDataset<sizeof...(T)>;

}  // namespace ditharos::data
