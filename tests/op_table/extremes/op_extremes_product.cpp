// Extreme inputs of products and pooling, and the operations that need none.
#include <cmath>
#include <numbers>

#include <ditharos/autograd/ops.h>
#include "tests/op_table/extremes/op_extremes.h"

namespace ditharos::tests {
namespace {

Array image(std::vector<double> four) { return reshaped(line(std::move(four)), {1, 1, 2, 2}); }
Array pixel(double v) { return Array({1, 1, 1, 1}, v); }

}  // namespace

void add_product_extremes(Rows& rows) {
  // One input, weight 1: the GELU itself. Its own row has the formula's tails.
  const std::vector<Extreme> tails = [&] {
    for (const Row& row : rows)
      if (row.name == "gelu_tanh") return row.extremes;
    return std::vector<Extreme>{};
  }();
  for (Extreme e : tails)
    add_extremes(rows, "linear_gelu_tanh", {with_op(e, [](const Tensors& in) {
                   const Tensor x = reshape(in[0], {-1, 1});
                   return reshape(linear_gelu_tanh(x, ones({1, 1}, x.dtype())), {-1});
                 })});
  add_extremes(rows, "max_pool2d",
               {with_op(stated("ties: the first one", {image({-3, 5, 5, -infinite})}, pixel(5), {image({0, 1, 0, 0})}),
                        [](const Tensors& in) { return max_pool2d(in[0], 2); }),
                with_op(stated("padding never wins", {image({-infinite, -infinite, -infinite, -infinite})},
                               image({-infinite, -infinite, -infinite, -infinite}), {image({1, 1, 1, 1})}),
                        [](const Tensors& in) { return max_pool2d(in[0], 2, 2, 1); })});
  for (const char* name : {"avg_pool2d", "adaptive_avg_pool2d"}) {
    const bool adaptive = std::string(name) == "adaptive_avg_pool2d";
    add_extremes(
        rows, name,
        {with_op(stated("infinity", {image({infinite, 1, 2, 3})}, pixel(infinite), {image({.25, .25, .25, .25})},
                        {image({0, 0, 0, 0})}),
                 [=](const Tensors& in) { return adaptive ? adaptive_avg_pool2d(in[0], 1) : avg_pool2d(in[0], 2); })});
  }
  Extreme narrowed = with_op(stated("numbers beyond f32 become infinite", {line({1e300, -1e300, 1e-300})},
                                    line({infinite, -infinite, 0}), {line({1, 1, 1})}),
                             [](const Tensors& in) { return to(to(in[0], DType::f32), DType::f64); });
  narrowed.only = DType::f64;
  add_extremes(rows, "to", {narrowed});
}

void add_plain_reasons(Rows& rows) {
  no_extremes(rows,
              {"reshape",
               "unsqueeze",
               "squeeze",
               "permute",
               "transpose",
               "contiguous",
               "slice",
               "select",
               "chunk",
               "gradient of slice",
               "cat",
               "stack",
               "expand",
               "pad",
               "flip",
               "roll",
               "repeat",
               "narrow",
               "split",
               "split_with_sizes",
               "diagonal",
               "index_select",
               "gather",
               "unfold",
               "interpolate",
               "clone",
               "flatten",
               "unflatten",
               "movedim",
               "unbind",
               "rot90",
               "broadcast_to",
               "broadcast_tensors",
               "hstack",
               "vstack",
               "diag",
               "diag_embed",
               "tile",
               "repeat_interleave",
               "meshgrid",
               "pixel_shuffle",
               "pixel_unshuffle",
               "index",
               "take",
               "take_along_dim"},
              "moves elements; its gradient adds those of one element");
  no_extremes(rows, {"index_put", "scatter", "index_copy", "index_fill", "masked_scatter"},
              "takes elements of one operand or the other; none is computed");
  no_extremes(rows, {"one_hot", "nonzero", "bincount"}, "integers have no extremes");
  no_extremes(rows, {"bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_not", "&", "|", "^", "~tensor"},
              "bits have no extremes");
  no_extremes(rows, {"index_add", "scatter_add", "fold"}, "adds the elements that an index chooses, and nothing else");
  no_extremes(rows,
              {"matmul",
               "linear",
               "einsum",
               "outer",
               "conv1d",
               "conv2d",
               "conv3d",
               "conv_transpose1d",
               "conv_transpose2d",
               "conv_transpose3d",
               "conv_weight_gradient",
               "mm",
               "bmm",
               "mv",
               "dot",
               "addmm",
               "baddbmm",
               "tensordot",
               "kron",
               "cross",
               "trace",
               "diff",
               "addcmul",
               "grid_sample"},
              "sums of products by definition, and so are its gradients: nothing is divided, masked or subtracted");
  no_extremes(rows, {"rope"}, "a rotation: linear, each element from two others");
  no_extremes(rows, {"var", "std", "cdist", "normalize"}, "a form of variance(), standard_deviation() or norm()");
  for (const Row& row : rows)
    if (row.name.rfind("linalg.", 0) == 0)
      no_extremes(rows, {row.name}, "LAPACK's routines refuse what is not finite; test_linalg.cpp has bad conditions");
  no_extremes(rows, {"identity"}, "returns its input; the row sees it through the cube of another operation");
}

}  // namespace ditharos::tests
