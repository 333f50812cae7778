#include <ditharos/autograd/ops/indexing/embedding.h>

#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>

namespace ditharos {

Tensor embedding(const Tensor& indices, const Tensor& weight, const EmbeddingOptions& options) {
  check<ShapeError>(weight.rank() == 2, "[embedding] needs a weight [N, D], got ", weight.shape());
  const int64_t count = weight.size(0);
  const std::optional<int64_t>& padding = options.padding_idx;
  check<ConfigError>(!padding || (*padding >= -count && *padding < count), "[embedding] padding_idx must be a row of ",
                     count, ", got ", padding.value_or(0));
  const Tensor rows = index_select(weight, indices);
  if (!differentiating()) return rows;
  if (options.scale_grad_by_freq && needs_grad(rows)) {
    const Tensor times = to(index_select(bincount(reshape(indices, {-1})), indices), rows.dtype());
    register_hook(rows, [times](const Tensor& g) { return g / unsqueeze(times, -1); });
  }
  if (!padding) return rows;
  const double row = double(*padding < 0 ? *padding + count : *padding);
  return where(unsqueeze(equal(indices, row), indices.rank()), rows.detach(), rows);
}

}  // namespace ditharos
