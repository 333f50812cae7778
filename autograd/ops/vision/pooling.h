#pragma once
// Pooling of sequences x [B, C, L], images x [B, C, H, W] and volumes x [B, C, D, H, W], each also without the batch.
//
// Windows of `kernel` elements start every `stride` elements (without a value: side by side) of the axis with `padding`
// on both sides. A side of the result is (in + 2 padding - dilation (kernel - 1) - 1) / stride + 1, rounded down, or up
// in ceil_mode if the last window begins before the padding at the end. ShapeError for padding of more than half a
// window and for windows that do not fit.
#include <optional>

#include <ditharos/autograd/ops/sorting/sorting.h>
#include <ditharos/tensor/per_axis.h>
#include <ditharos/tensor/tensor.h>

namespace ditharos {

/// The largest element of each window; padding never is. The first of equal elements wins and gets the gradient; NaN
/// beats all.
Tensor max_pool1d(const Tensor& x, const PerAxis& kernel, const std::optional<PerAxis>& stride = {},
                  const PerAxis& padding = 0, const PerAxis& dilation = 1, bool ceil_mode = false);
Tensor max_pool2d(const Tensor& x, const PerAxis& kernel, const std::optional<PerAxis>& stride = {},
                  const PerAxis& padding = 0, const PerAxis& dilation = 1, bool ceil_mode = false);
Tensor max_pool3d(const Tensor& x, const PerAxis& kernel, const std::optional<PerAxis>& stride = {},
                  const PerAxis& padding = 0, const PerAxis& dilation = 1, bool ceil_mode = false);
// The same with the row-major position of each maximum in its line, image or volume (return_indices=True).
ValuesAndIndices max_pool1d_with_indices(const Tensor& x, const PerAxis& kernel,
                                         const std::optional<PerAxis>& stride = {}, const PerAxis& padding = 0,
                                         const PerAxis& dilation = 1, bool ceil_mode = false);
ValuesAndIndices max_pool2d_with_indices(const Tensor& x, const PerAxis& kernel,
                                         const std::optional<PerAxis>& stride = {}, const PerAxis& padding = 0,
                                         const PerAxis& dilation = 1, bool ceil_mode = false);
ValuesAndIndices max_pool3d_with_indices(const Tensor& x, const PerAxis& kernel,
                                         const std::optional<PerAxis>& stride = {}, const PerAxis& padding = 0,
                                         const PerAxis& dilation = 1, bool ceil_mode = false);
// The maxima back at their positions among zeros. A side of the result is (in - 1) stride - 2 padding + kernel unless
// `output_size`, with a number for each spatial axis, says otherwise, by less than the stride. Of several maxima from
// one position the last one stays.
Tensor max_unpool1d(const Tensor& x, const Tensor& indices, const PerAxis& kernel,
                    const std::optional<PerAxis>& stride = {}, const PerAxis& padding = 0,
                    const std::optional<PerAxis>& output_size = {});
Tensor max_unpool2d(const Tensor& x, const Tensor& indices, const PerAxis& kernel,
                    const std::optional<PerAxis>& stride = {}, const PerAxis& padding = 0,
                    const std::optional<PerAxis>& output_size = {});
Tensor max_unpool3d(const Tensor& x, const Tensor& indices, const PerAxis& kernel,
                    const std::optional<PerAxis>& stride = {}, const PerAxis& padding = 0,
                    const std::optional<PerAxis>& output_size = {});

/// The mean of each window. Padding counts as zeros, or with count_include_pad = false not at all; what a window of
/// ceil_mode has beyond the padding never counts. The sums are divided by divisor_override instead if it is given.
Tensor avg_pool1d(const Tensor& x, const PerAxis& kernel, const std::optional<PerAxis>& stride = {},
                  const PerAxis& padding = 0, bool ceil_mode = false, bool count_include_pad = true);
Tensor avg_pool2d(const Tensor& x, const PerAxis& kernel, const std::optional<PerAxis>& stride = {},
                  const PerAxis& padding = 0, bool ceil_mode = false, bool count_include_pad = true,
                  std::optional<int64_t> divisor_override = {});
Tensor avg_pool3d(const Tensor& x, const PerAxis& kernel, const std::optional<PerAxis>& stride = {},
                  const PerAxis& padding = 0, bool ceil_mode = false, bool count_include_pad = true,
                  std::optional<int64_t> divisor_override = {});

// Windows that cover each axis evenly, `size` of them: window i has the elements from floor(i in/size) to
// ceil((i + 1) in/size). Their means and their maxima.
Tensor adaptive_avg_pool1d(const Tensor& x, const PerAxis& size);
Tensor adaptive_avg_pool2d(const Tensor& x, const PerAxis& size);
Tensor adaptive_avg_pool3d(const Tensor& x, const PerAxis& size);
Tensor adaptive_max_pool1d(const Tensor& x, const PerAxis& size);
Tensor adaptive_max_pool2d(const Tensor& x, const PerAxis& size);
Tensor adaptive_max_pool3d(const Tensor& x, const PerAxis& size);
ValuesAndIndices adaptive_max_pool1d_with_indices(const Tensor& x, const PerAxis& size);
ValuesAndIndices adaptive_max_pool2d_with_indices(const Tensor& x, const PerAxis& size);
ValuesAndIndices adaptive_max_pool3d_with_indices(const Tensor& x, const PerAxis& size);

}  // namespace ditharos
