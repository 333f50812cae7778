#include "tests/op_table/golden/op_golden_table.h"

#include <cmath>

#include <ditharos/autograd/ops.h>
#include "tests/op_table/golden/op_golden_calls.h"
#include "tests/op_table/golden/op_golden_coverage.h"
#include "tests/op_table/golden/op_golden_edges.h"
#include "tests/op_table/golden/op_golden_layers.h"
#include "tests/op_table/golden/op_golden_losses.h"
#include "tests/op_table/golden/op_golden_special.h"
#include "tests/op_table/golden/op_golden_windows.h"

namespace ditharos::tests {
namespace {

GoldenEntries arithmetic() {
  const GoldenOperation power = [](const Tensors& in) { return pow(in[0], in[1]); };
  return {
      {"+", [](const Tensors& in) { return in[0] + in[1]; }},
      {"-", [](const Tensors& in) { return in[0] - in[1]; }},
      {"*", [](const Tensors& in) { return in[0] * in[1]; }},
      {"/", [](const Tensors& in) { return in[0] / in[1]; }},
      {"pow", power},
      {"pow#zeros", power},
      {"pow#number", [](const Tensors& in) { return pow(in[0], 2.5); }},
      {"maximum", two(maximum)},
      {"maximum#ties", two(maximum)},
      {"minimum", two(minimum)},
      {"tensor + number", [](const Tensors& in) { return in[0] + 3.0; }},
      {"tensor - number", [](const Tensors& in) { return in[0] - 3.0; }},
      {"tensor * number", [](const Tensors& in) { return in[0] * -3.0; }},
      {"tensor / number", [](const Tensors& in) { return in[0] / 1.5; }},
      {"number + tensor", [](const Tensors& in) { return 3.0 + in[0]; }},
      {"number - tensor", [](const Tensors& in) { return 3.0 - in[0]; }},
      {"number * tensor", [](const Tensors& in) { return -3.0 * in[0]; }},
      {"number / tensor", [](const Tensors& in) { return 1.5 / in[0]; }},
      {"-tensor", [](const Tensors& in) { return -in[0]; }},
  };
}

GoldenEntries functions() {
  const GoldenOperation clamped = [](const Tensors& in) { return clamp(in[0], -1, 1); };
  return {
      {"abs", one(abs)},
      {"square", one(square)},
      {"exp", one(exp)},
      {"expm1", one(expm1)},
      {"sin", one(sin)},
      {"cos", one(cos)},
      {"tan", one(tan)},
      {"asin", one(asin)},
      {"acos", one(acos)},
      {"atan", one(atan)},
      {"sinh", one(sinh)},
      {"cosh", one(cosh)},
      {"erf", one(erf)},
      {"sign", one(sign)},
      {"floor", one(floor)},
      {"ceil", one(ceil)},
      {"round", one(round)},
      {"tanh", one(tanh)},
      {"sigmoid", one(sigmoid)},
      {"relu", one(relu)},
      {"sqrt", one(sqrt)},
      {"rsqrt", one(rsqrt)},
      {"log", one(log)},
      {"reciprocal", one(reciprocal)},
      {"log1p", one(log1p)},
      {"softplus", one(softplus)},
      {"silu", one(silu)},
      {"gelu", one(gelu)},
      {"clamp", clamped},
      {"clamp#bounds", clamped},
      {"gelu_tanh", one(gelu_tanh)},
      {"leaky_relu", [](const Tensors& in) { return leaky_relu(in[0], .2); }},
      {"elu", [](const Tensors& in) { return elu(in[0], 1.5); }},
  };
}

GoldenEntries logic() {
  return {
      {"where", [](const Tensors& in) { return where(in[0], in[1], in[2]); }},
      {"equal", two(equal)},
      {"not_equal", two(not_equal)},
      {"less", two(less)},
      {"less_equal", two(less_equal)},
      {"greater", two(greater)},
      {"greater_equal", two(greater_equal)},
      {"logical_and", two(logical_and)},
      {"logical_or", two(logical_or)},
      {"logical_xor", two(logical_xor)},
      {"logical_not", one(logical_not)},
      {"masked_fill", [](const Tensors& in) { return masked_fill(in[0], in[1], 1); }},
      {"masked_select", two(masked_select)},
      {"tril", [](const Tensors& in) { return tril(in[0], 1); }},
      {"triu", [](const Tensors& in) { return triu(in[0], -1); }},
  };
}

GoldenEntries reductions() {
  return {
      {"sum", [](const Tensors& in) { return sum(in[0], {0, 2}); }},
      {"mean", [](const Tensors& in) { return mean(in[0], {0, 2}, true); }},
      {"variance", [](const Tensors& in) { return variance(in[0], {0, 2}); }},
      {"variance#unbiased", [](const Tensors& in) { return variance(in[0], {1}, false, 1); }},
      {"standard_deviation", [](const Tensors& in) { return standard_deviation(in[0], {0, 2}); }},
      {"standard_deviation#zero", [](const Tensors& in) { return standard_deviation(in[0]); }},
      {"norm", [](const Tensors& in) { return norm(in[0], 2, {0, 2}); }},
      {"norm#3", [](const Tensors& in) { return norm(in[0], 3, {1}); }},
      {"norm#zero", [](const Tensors& in) { return norm(in[0]); }},
      {"norm#infinity", [](const Tensors& in) { return norm(in[0], INFINITY); }},
      {"logsumexp", [](const Tensors& in) { return logsumexp(in[0], {0, 2}); }},
      {"prod", [](const Tensors& in) { return prod(in[0], {1}); }},
      {"prod#zeros", [](const Tensors& in) { return prod(in[0], {0}); }},
      {"amax", [](const Tensors& in) { return amax(in[0], {0, 2}); }},
      {"amax#ties", [](const Tensors& in) { return amax(in[0], {1}); }},
      {"amin", [](const Tensors& in) { return amin(in[0], {0, 2}); }},
      {"max", [](const Tensors& in) { return max(in[0], 1).values; }},
      {"max#indices", [](const Tensors& in) { return max(in[0], 1).indices; }},
      {"min", [](const Tensors& in) { return min(in[0], 1).values; }},
      {"argmax", [](const Tensors& in) { return argmax(in[0], 1); }},
      {"argmin", [](const Tensors& in) { return argmin(in[0], 1); }},
      {"cumsum", [](const Tensors& in) { return cumsum(in[0], 1); }},
      {"sum_to", [](const Tensors& in) { return sum_to(in[0], {3, 1}); }},
  };
}

GoldenEntries shapes() {
  return {
      {"reshape", [](const Tensors& in) { return reshape(in[0], {4, -1}); }},
      {"permute", [](const Tensors& in) { return permute(in[0], {2, 0, 1}); }},
      {"transpose", [](const Tensors& in) { return transpose(in[0], 0, 2); }},
      {"expand", [](const Tensors& in) { return expand(in[0], {4, 2, 3}); }},
      {"slice", [](const Tensors& in) { return slice(in[0], 1, 1, 6, 2); }},
      {"select", [](const Tensors& in) { return select(in[0], 1, -2); }},
      {"unsqueeze", [](const Tensors& in) { return unsqueeze(in[0], 1); }},
      {"squeeze", [](const Tensors& in) { return squeeze(in[0], 1); }},
      {"chunk", [](const Tensors& in) { return chunk(in[0], 3, 1)[1]; }},
      {"cat", [](const Tensors& in) { return cat(in, 1); }},
      {"stack", [](const Tensors& in) { return stack(in, 1); }},
      {"narrow", [](const Tensors& in) { return narrow(in[0], 1, 2, 3); }},
      {"split", [](const Tensors& in) { return split(in[0], 4, 1)[1]; }},
      {"split_with_sizes", [](const Tensors& in) { return split_with_sizes(in[0], {1, 3, 2}, 1)[1]; }},
      {"diagonal", [](const Tensors& in) { return diagonal(in[0], 0, 2, 0); }},
      {"contiguous", [](const Tensors& in) { return contiguous(transpose(in[0], 0, 1)); }},
      {"to", [](const Tensors& in) { return to(to(in[0], DType::f32), DType::f64); }},
      {"pad", [](const Tensors& in) { return pad(in[0], {1, 2, 2, 0}, PadMode::constant, 1); }},
      {"pad#reflect", [](const Tensors& in) { return pad(in[0], {1, 2, 2, 0}, PadMode::reflect); }},
      {"pad#replicate", [](const Tensors& in) { return pad(in[0], {1, 2, 2, 0}, PadMode::replicate); }},
      {"flip", [](const Tensors& in) { return flip(in[0], {0, 2}); }},
      {"roll", [](const Tensors& in) { return roll(in[0], -2, 1); }},
      {"repeat", [](const Tensors& in) { return repeat(in[0], {2, 1, 3}); }},
      {"index_select", [](const Tensors& in) { return index_select(in[0], in[1]); }},
      {"index_select#axis", [](const Tensors& in) { return index_select(in[0], 1, in[1]); }},
      {"index_add", [](const Tensors& in) { return index_add(in[0], in[1], 5); }},
      {"gather", [](const Tensors& in) { return gather(in[0], 1, in[1]); }},
      {"scatter_add", [](const Tensors& in) { return scatter_add(in[0], 1, in[1], {3, 5}); }},
  };
}

GoldenEntries products() {
  GoldenEntries entries = {
      {"matmul", two(matmul)},
      {"matmul#vector", two(matmul)},
      {"outer", two(outer)},
      {"linear", [](const Tensors& in) { return linear(in[0], in[1], in[2]); }},
      {"linear_gelu_tanh", [](const Tensors& in) { return linear_gelu_tanh(in[0], in[1], in[2]); }},
      {"unfold", [](const Tensors& in) { return unfold(in[0], 3, 2, 1); }},
      {"fold", [](const Tensors& in) { return fold(in[0], 2, 4, 6, 2, 2, 0); }},
  };
  for (const char* equation : {"bhid,bhjd->bhij", "iij->j", "ba,bc", "ai,bi,ci->abc", "...ij,...jk->...ik"})
    entries[std::string("einsum#") + equation] = [equation](const Tensors& in) { return einsum(equation, in); };
  return entries;
}

GoldenEntries losses() {
  return {
      {"softmax", [](const Tensors& in) { return softmax(in[0], 1); }},
      {"log_softmax", [](const Tensors& in) { return log_softmax(in[0], 1); }},
      {"cross_entropy", [](const Tensors& in) { return cross_entropy(in[0], in[1]); }},
      {"cross_entropy#all",
       [](const Tensors& in) {
         return cross_entropy(in[0], in[1], {.weight = in[2], .ignore_index = 1, .label_smoothing = .1});
       }},
      {"cross_entropy#none",
       [](const Tensors& in) { return cross_entropy(in[0], in[1], {in[2], 1, .1, Reduction::none}); }},
      {"nll_loss", [](const Tensors& in) { return nll_loss(in[0], in[1], {.weight = in[2], .ignore_index = 1}); }},
      {"mse_loss", [](const Tensors& in) { return mse_loss(in[0], in[1]); }},
      {"l1_loss", [](const Tensors& in) { return l1_loss(in[0], in[1], Reduction::sum); }},
      {"huber_loss", [](const Tensors& in) { return huber_loss(in[0], in[1], 1.5); }},
      {"smooth_l1_loss", [](const Tensors& in) { return smooth_l1_loss(in[0], in[1], .5, Reduction::none); }},
      {"binary_cross_entropy_with_logits",
       [](const Tensors& in) { return binary_cross_entropy_with_logits(in[0], in[1], in[2]); }},
      {"kl_div", [](const Tensors& in) { return kl_div(in[0], in[1], Reduction::sum); }},
  };
}

GoldenEntries transformer() {
  const auto attend = [](bool causal) {
    return [causal](const Tensors& in) {
      return scaled_dot_product_attention(in[0], in[1], in[2], in.size() > 3 ? in[3] : Tensor{}, causal);
    };
  };
  return {
      {"layer_norm", [](const Tensors& in) { return layer_norm(in[0], in[1], in[2]); }},
      {"layer_norm_modulate", [](const Tensors& in) { return layer_norm_modulate(in[0], in[1], in[2]); }},
      {"gated_residual", [](const Tensors& in) { return gated_residual(in[0], in[1], in[2]); }},
      {"attention", [](const Tensors& in) { return attention(in[0], 2); }},
      {"scaled_dot_product_attention", attend(false)},
      {"scaled_dot_product_attention#flags", attend(false)},
      {"scaled_dot_product_attention#numbers", attend(false)},
      {"scaled_dot_product_attention#causal", attend(true)},
  };
}

GoldenEntries images() {
  using P = PerAxis;
  return {
      {"conv1d", [](const Tensors& in) { return conv1d(in[0], in[1], in[2], 2, 1); }},
      {"conv2d", [](const Tensors& in) { return conv2d(in[0], in[1], in[2], 2, 1); }},
      {"conv2d#groups", [](const Tensors& in) { return conv2d(in[0], in[1], in[2], P{2, 1}, 1, P{1, 2}, 2); }},
      {"conv3d", [](const Tensors& in) { return conv3d(in[0], in[1], in[2], 1, 1); }},
      {"conv_transpose1d", [](const Tensors& in) { return conv_transpose1d(in[0], in[1], in[2], 2, 1, 1); }},
      {"conv_transpose2d",
       [](const Tensors& in) { return conv_transpose2d(in[0], in[1], in[2], P{2, 1}, 1, P{1, 0}, 2); }},
      {"conv_transpose3d", [](const Tensors& in) { return conv_transpose3d(in[0], in[1], in[2], 2); }},
      {"group_norm", [](const Tensors& in) { return group_norm(in[0], 2, in[1], in[2]); }},
      {"group_norm_silu", [](const Tensors& in) { return group_norm_silu(in[0], 2, in[1], in[2]); }},
      {"batch_norm", [](const Tensors& in) { return batch_norm(in[0], {}, {}, in[3], in[4], true); }},
      {"batch_norm#running", [](const Tensors& in) { return batch_norm(in[0], in[1], in[2], in[3], in[4]); }},
      {"rms_norm", [](const Tensors& in) { return rms_norm(in[0], in[1]); }},
      {"max_pool2d", [](const Tensors& in) { return max_pool2d(in[0], 3, 2, 1); }},
      {"avg_pool2d", [](const Tensors& in) { return avg_pool2d(in[0], 3, 2, 1); }},
      {"adaptive_avg_pool2d", [](const Tensors& in) { return adaptive_avg_pool2d(in[0], {2, 4}); }},
      {"interpolate", [](const Tensors& in) { return interpolate(in[0], {5, 3}); }},
      {"interpolate#bilinear", [](const Tensors& in) { return interpolate(in[0], {5, 3}, Interpolation::bilinear); }},
  };
}

}  // namespace

const GoldenEntries& golden_operations() {
  static const GoldenEntries entries = [] {
    GoldenEntries all;
    for (const auto& family : {arithmetic, functions, logic, reductions, shapes, products, losses, transformer, images})
      all.merge(family());
    all.merge(golden_coverage());
    all.merge(golden_losses());
    all.merge(golden_windows());
    all.merge(golden_special());
    all.merge(golden_edges());
    all.merge(golden_layers());
    return all;
  }();
  return entries;
}

}  // namespace ditharos::tests
