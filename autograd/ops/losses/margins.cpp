// Losses of margins between classes.
#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/losses/checked.h>
#include <ditharos/tensor/kernels/reduce/softmax.h>

namespace ditharos {

Tensor multi_margin_loss(const Tensor& x, const Tensor& labels, const MultiMarginOptions& options) {
  const char* op = "multi_margin_loss";
  check_floating(op, x.dtype());
  const bool rows = x.rank() == 2 && labels.shape() == Shape{x.size(0)}, one = x.rank() == 1 && labels.rank() == 0;
  check<ShapeError>(rows || one, "[", op, "] needs x [N, C] and labels [N], or [C] and [], got ", x.shape(), " and ",
                    labels.shape());
  check<DTypeError>(labels.dtype() == DType::i64, "[", op, "] labels must be i64, got ", labels.dtype());
  check<ConfigError>(options.p == 1 || options.p == 2, "[", op, "] p must be 1 or 2, got ", options.p);
  const int64_t classes = x.size(-1);
  check<ShapeError>(!options.weight.defined() || options.weight.shape() == Shape{classes}, "[", op,
                    "] the classes' weights must be [", classes, "], got ",
                    options.weight.defined() ? options.weight.shape() : Shape{});
  check_one_dtype(op, "the prediction", x, "the classes' weights", options.weight);
  const Tensor matrix = one ? unsqueeze(x, 0) : x;                                              // [N, C]
  const Tensor index = kernels::checked_labels(op, matrix, reshape(labels, {matrix.size(0)}));  // [N]
  const Tensor column = unsqueeze(index, 1);
  const Tensor own = equal(arange(classes, DType::i64), column);  // [N, C]
  const Tensor excess = relu(options.margin - gather(matrix, 1, column) + matrix);
  Tensor losses = where(own, 0, options.p == 1 ? excess : square(excess));
  if (options.weight.defined()) losses = losses * unsqueeze(index_select(options.weight, index), 1);
  losses = sum(losses, 1) / double(classes);
  return reduced_losses(op, one ? squeeze(losses, 0) : losses, options.reduction);
}

Tensor multilabel_margin_loss(const Tensor& x, const Tensor& labels, Reduction reduction) {
  const char* op = "multilabel_margin_loss";
  check_floating(op, x.dtype());
  check<ShapeError>((x.rank() == 1 || x.rank() == 2) && labels.shape() == x.shape(), "[", op,
                    "] needs x and labels of one shape [N, C] or [C], got ", x.shape(), " and ", labels.shape());
  check<DTypeError>(labels.dtype() == DType::i64, "[", op, "] labels must be i64, got ", labels.dtype());
  const int64_t classes = x.size(-1);
  const bool one = x.rank() == 1;
  const Tensor matrix = one ? unsqueeze(x, 0) : x, targets = one ? unsqueeze(labels, 0) : labels;  // [N, C]
  const int64_t rows = matrix.size(0);
  check<ShapeError>(all(logical_and(targets >= -1.0, targets < double(classes))).item() != 0, "[", op,
                    "] every label must be in [-1, ", classes, ")");
  // A row's labels end at its first -1.
  const Tensor counts = equal(cumsum(to(targets < 0.0, x.dtype()), 1), 0.0);  // [N, C]
  const Tensor index = where(counts, targets, scalar(0, DType::i64));         // [N, C]
  const Tensor marks = zeros({rows, classes}, x.dtype());
  const Tensor is_label = greater(scatter_add(marks, 1, index, to(counts, x.dtype())), 0.0);  // [N, C]
  const Tensor excess = relu(1.0 - unsqueeze(gather(matrix, 1, index), 2) + unsqueeze(matrix, 1));
  const Tensor pairs = logical_and(unsqueeze(counts, 2), unsqueeze(logical_not(is_label), 1));  // [N, C, C]
  const Tensor losses = sum(where(pairs, excess, 0), {1, 2}) / double(classes);
  return reduced_losses(op, one ? squeeze(losses, 0) : losses, reduction);
}

}  // namespace ditharos
