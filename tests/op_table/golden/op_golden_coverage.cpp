// The entries of tests/golden/op_golden_coverage.py, as they are computed here.
#include "tests/op_table/golden/op_golden_coverage.h"

#include <cmath>

#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/linalg/linalg.h>
#include "tests/op_table/golden/op_golden_calls.h"

namespace ditharos::tests {
namespace {

GoldenEntries functions() {
  return {
      {"exp2", one(exp2)},
      {"asinh", one(asinh)},
      {"erfc", one(erfc)},
      {"trunc", one(trunc)},
      {"frac", one(frac)},
      {"log2", one(log2)},
      {"log10", one(log10)},
      {"acosh", one(acosh)},
      {"atanh", one(atanh)},
      {"relu6", one(relu6)},
      {"hardsigmoid", one(hardsigmoid)},
      {"hardswish", one(hardswish)},
      {"mish", one(mish)},
      {"selu", one(selu)},
      {"logsigmoid", one(logsigmoid)},
      {"softsign", one(softsign)},
      {"tanhshrink", one(tanhshrink)},
      {"hardtanh", [](const Tensors& in) { return hardtanh(in[0], -1, 1.5); }},
      {"hardtanh#bounds", [](const Tensors& in) { return hardtanh(in[0]); }},
      {"celu", [](const Tensors& in) { return celu(in[0], 1.5); }},
      {"threshold", [](const Tensors& in) { return threshold(in[0], .5, 1); }},
      {"prelu", two(prelu)},
      {"glu", [](const Tensors& in) { return glu(in[0]); }},
  };
}

GoldenEntries arithmetic() {
  return {
      {"fmod", two(fmod)},
      {"fmod#number", [](const Tensors& in) { return fmod(in[0], 3); }},
      {"remainder", two(remainder)},
      {"remainder#number", [](const Tensors& in) { return remainder(in[0], 3); }},
      {"remainder#whole", two(remainder)},
      {"floor_divide", two(floor_divide)},
      {"floor_divide#whole", two(floor_divide)},
      {"atan2", two(atan2)},
      {"hypot", two(hypot)},
      {"logaddexp", two(logaddexp)},
      {"lerp", [](const Tensors& in) { return lerp(in[0], in[1], in[2]); }},
      {"lerp#number", [](const Tensors& in) { return lerp(in[0], in[1], .7); }},
      {"addcmul", [](const Tensors& in) { return addcmul(in[0], in[1], in[2], 1.5); }},
      {"addcdiv", [](const Tensors& in) { return addcdiv(in[0], in[1], in[2], 1.5); }},
      {"clamp#tensors", [](const Tensors& in) { return clamp(in[0], in[1], in[2]); }},
      {"clamp_min", [](const Tensors& in) { return clamp_min(in[0], .5); }},
      {"clamp_max", [](const Tensors& in) { return clamp_max(in[0], .5); }},
      {"pow#base", [](const Tensors& in) { return pow(2, in[0]); }},
      {"where#number", [](const Tensors& in) { return where(in[0], in[1], 1.5); }},
      {"nan_to_num", [](const Tensors& in) { return nan_to_num(in[0], 1, 2, 3); }},
  };
}

void add_comparison(GoldenEntries& entries, const std::string& sign, Two two_tensors, One right, One left) {
  entries[sign] = two(two_tensors);
  entries["tensor " + sign + " number"] = one(right);
  entries["number " + sign + " tensor"] = one(left);
}

GoldenEntries comparisons() {
  using T = const Tensor&;
  GoldenEntries entries = {
      {"bitwise_and", two(bitwise_and)},
      {"bitwise_or", two(bitwise_or)},
      {"bitwise_xor", two(bitwise_xor)},
      {"bitwise_not", one(bitwise_not)},
      {"&", two([](T a, T b) { return a & b; })},
      {"|", two([](T a, T b) { return a | b; })},
      {"^", two([](T a, T b) { return a ^ b; })},
      {"~tensor", one([](T a) { return ~a; })},
      {"isnan", one(isnan)},
      {"isinf", one(isinf)},
      {"isfinite", one(isfinite)},
      {"isclose", [](const Tensors& in) { return isclose(in[0], in[1]); }},
      {"isclose#nan", [](const Tensors& in) { return isclose(in[0], in[1], 1e-5, 1e-8, true); }},
  };
  add_comparison(
      entries, "==", [](T a, T b) { return a == b; }, [](T a) { return a == 1; }, [](T a) { return 1 == a; });
  add_comparison(
      entries, "!=", [](T a, T b) { return a != b; }, [](T a) { return a != 1; }, [](T a) { return 1 != a; });
  add_comparison(entries, "<", [](T a, T b) { return a < b; }, [](T a) { return a < 1; }, [](T a) { return 1 < a; });
  add_comparison(
      entries, "<=", [](T a, T b) { return a <= b; }, [](T a) { return a <= 1; }, [](T a) { return 1 <= a; });
  add_comparison(entries, ">", [](T a, T b) { return a > b; }, [](T a) { return a > 1; }, [](T a) { return 1 > a; });
  add_comparison(
      entries, ">=", [](T a, T b) { return a >= b; }, [](T a) { return a >= 1; }, [](T a) { return 1 >= a; });
  return entries;
}

GoldenEntries layouts() {
  return {
      {"clone", one(clone)},
      {"flatten", [](const Tensors& in) { return flatten(in[0], 1, 2); }},
      {"unflatten", [](const Tensors& in) { return unflatten(in[0], 1, {2, -1}); }},
      {"movedim", [](const Tensors& in) { return movedim(in[0], {0, 1}, {2, 0}); }},
      {"unbind", [](const Tensors& in) { return unbind(in[0], 1)[2]; }},
      {"squeeze#all", [](const Tensors& in) { return squeeze(in[0]); }},
      {"rot90", [](const Tensors& in) { return rot90(in[0], 3, 0, 2); }},
      {"broadcast_to", [](const Tensors& in) { return broadcast_to(in[0], {4, 2, 3}); }},
      {"broadcast_tensors", [](const Tensors& in) { return broadcast_tensors(in)[0]; }},
      {"hstack", [](const Tensors& in) { return hstack(in); }},
      {"vstack", [](const Tensors& in) { return vstack(in); }},
      {"diag", [](const Tensors& in) { return diag(in[0], 1); }},
      {"diag#matrix", [](const Tensors& in) { return diag(in[0], -1); }},
      {"diag_embed", [](const Tensors& in) { return diag_embed(in[0], -2); }},
      {"diagonal#offset", [](const Tensors& in) { return diagonal(in[0], -1, 2, 0); }},
      {"trace", one(trace)},
      {"tile", [](const Tensors& in) { return tile(in[0], {2, 1, 2}); }},
      {"repeat_interleave", [](const Tensors& in) { return repeat_interleave(in[0], 3, 1); }},
      {"repeat_interleave#counts", [](const Tensors& in) { return repeat_interleave(in[0], in[1], 1); }},
      {"repeat_interleave#flat", [](const Tensors& in) { return repeat_interleave(in[0], 2); }},
      {"meshgrid", [](const Tensors& in) { return meshgrid(in)[0]; }},
      {"meshgrid#xy", [](const Tensors& in) { return meshgrid(in, "xy")[0]; }},
      {"one_hot", [](const Tensors& in) { return one_hot(in[0], 5); }},
      {"one_hot#largest", [](const Tensors& in) { return one_hot(in[0]); }},
      {"pixel_shuffle", [](const Tensors& in) { return pixel_shuffle(in[0], 2); }},
      {"pixel_unshuffle", [](const Tensors& in) { return pixel_unshuffle(in[0], 2); }},
  };
}

GoldenEntries indexing() {
  return {
      {"index", [](const Tensors& in) { return index(in[0], {1, ellipsis, new_axis, Slice{1, -1}}); }},
      {"index#rows", [](const Tensors& in) { return in[0][in[1]]; }},
      {"index#adjacent", [](const Tensors& in) { return index(in[0], {Slice{}, in[1], in[2]}); }},
      {"index#apart", [](const Tensors& in) { return index(in[0], {in[1], Slice{}, in[2]}); }},
      {"index#mask", [](const Tensors& in) { return in[0][in[1]]; }},
      {"index#mask and slice", [](const Tensors& in) { return index(in[0], {ellipsis, in[1], Slice{1}}); }},
      {"index_put", [](const Tensors& in) { return index_put(in[0], {in[2]}, in[1]); }},
      {"index_put#add", [](const Tensors& in) { return index_put(in[0], {in[2]}, in[1], true); }},
      {"nonzero", one(nonzero)},
      {"take", two(take)},
      {"take_along_dim", [](const Tensors& in) { return take_along_dim(in[0], in[1], 1); }},
      {"scatter", [](const Tensors& in) { return scatter(in[0], 1, in[1], in[2]); }},
      {"scatter#number", [](const Tensors& in) { return scatter(in[0], 1, in[1], 1.5); }},
      {"scatter_add#onto", [](const Tensors& in) { return scatter_add(in[0], 1, in[1], in[2]); }},
      {"index_add#onto", [](const Tensors& in) { return index_add(in[0], 1, in[1], in[2], 2); }},
      {"index_copy", [](const Tensors& in) { return index_copy(in[0], 1, in[1], in[2]); }},
      {"index_fill", [](const Tensors& in) { return index_fill(in[0], 1, in[1], 1.5); }},
      {"masked_scatter", [](const Tensors& in) { return masked_scatter(in[0], in[1], in[2]); }},
  };
}

GoldenEntries orders() {
  return {
      {"sort", [](const Tensors& in) { return sort(in[0], 1).values; }},
      {"sort#indices", [](const Tensors& in) { return sort(in[0], 0, true).indices; }},
      {"argsort", [](const Tensors& in) { return argsort(in[0], 1); }},
      {"topk", [](const Tensors& in) { return topk(in[0], 2, 1).values; }},
      {"topk#smallest", [](const Tensors& in) { return topk(in[0], 3, 0, false).indices; }},
      {"kthvalue", [](const Tensors& in) { return kthvalue(in[0], 2, 1).values; }},
      {"median", [](const Tensors& in) { return median(in[0], 1).values; }},
      {"median#all", [](const Tensors& in) { return median(in[0]); }},
      {"quantile", [](const Tensors& in) { return quantile(in[0], .3, 1); }},
      {"quantile#all", [](const Tensors& in) { return quantile(in[0], .75); }},
      {"unique", [](const Tensors& in) { return unique(in[0]).values; }},
      {"unique#inverse", [](const Tensors& in) { return unique(in[0]).inverse; }},
      {"unique#counts", [](const Tensors& in) { return unique(in[0]).counts; }},
      {"bincount", [](const Tensors& in) { return bincount(in[0], {}, 6); }},
      {"bincount#weights", [](const Tensors& in) { return bincount(in[0], in[1], 6); }},
      {"histc", [](const Tensors& in) { return histc(in[0], 4, -1, 1); }},
      {"searchsorted", [](const Tensors& in) { return searchsorted(in[0], in[1]); }},
      {"searchsorted#right", [](const Tensors& in) { return searchsorted(in[0], in[1], true); }},
      {"searchsorted#rows", [](const Tensors& in) { return searchsorted(in[0], in[1]); }},
      {"bucketize", [](const Tensors& in) { return bucketize(in[0], in[1]); }},
  };
}

GoldenEntries reductions() {
  return {
      {"any", [](const Tensors& in) { return any(in[0], 1); }},
      {"all", [](const Tensors& in) { return all(in[0], 2, true); }},
      {"count_nonzero", [](const Tensors& in) { return count_nonzero(in[0], {0, 2}); }},
      {"var", [](const Tensors& in) { return var(in[0], {0, 2}); }},
      {"std", [](const Tensors& in) { return std(in[0], {1}, 1, true); }},
      {"max#all", [](const Tensors& in) { return max(in[0]); }},
      {"min#all", [](const Tensors& in) { return min(in[0]); }},
      {"argmax#all", [](const Tensors& in) { return argmax(in[0]); }},
      {"argmin#all", [](const Tensors& in) { return argmin(in[0]); }},
      {"cumprod", [](const Tensors& in) { return cumprod(in[0], 1); }},
      {"cumprod#zeros", [](const Tensors& in) { return cumprod(in[0], 0); }},
      {"logcumsumexp", [](const Tensors& in) { return logcumsumexp(in[0], 1); }},
      {"cummax", [](const Tensors& in) { return cummax(in[0], 1).values; }},
      {"cummax#indices", [](const Tensors& in) { return cummax(in[0], 1).indices; }},
      {"cummin", [](const Tensors& in) { return cummin(in[0], 1).values; }},
      {"diff", [](const Tensors& in) { return diff(in[0], 2, 0); }},
  };
}

GoldenEntries products() {
  const auto sampled = [](GridSampleOptions options) {
    return [options](const Tensors& in) { return grid_sample(in[0], in[1], options); };
  };
  return {
      {"mm", two(mm)},
      {"bmm", two(bmm)},
      {"mv", two(mv)},
      {"dot", two(dot)},
      {"addmm", [](const Tensors& in) { return addmm(in[0], in[1], in[2], .5, 2); }},
      {"baddbmm", [](const Tensors& in) { return baddbmm(in[0], in[1], in[2], .5, 2); }},
      {"tensordot", [](const Tensors& in) { return tensordot(in[0], in[1], {0, 2}, {1, 0}); }},
      {"kron", two(kron)},
      {"cross", [](const Tensors& in) { return cross(in[0], in[1]); }},
      {"cdist", [](const Tensors& in) { return cdist(in[0], in[1]); }},
      {"cosine_similarity", [](const Tensors& in) { return cosine_similarity(in[0], in[1]); }},
      {"normalize", [](const Tensors& in) { return normalize(in[0]); }},
      {"grid_sample", sampled({})},
      {"grid_sample#zeros True", sampled({.align_corners = true})},
      {"grid_sample#border False", sampled({.padding = GridPadding::border})},
      {"grid_sample#border True", sampled({.padding = GridPadding::border, .align_corners = true})},
      {"grid_sample#nearest", sampled({.mode = Interpolation::nearest})},
  };
}

GoldenEntries linalg_entries() {
  using namespace linalg;
  const auto symmetric = [](const Tensor& x) { return x + transpose(x, 0, 1); };
  return {
      {"linalg.solve", two(solve)},
      {"linalg.solve#vector", two(solve)},
      {"linalg.solve_triangular", [](const Tensors& in) { return solve_triangular(in[0], in[1], true); }},
      {"linalg.inv", one(inv)},
      {"linalg.pinv", [](const Tensors& in) { return pinv(in[0]); }},
      {"linalg.lstsq", two(lstsq)},
      {"linalg.matrix_power", [](const Tensors& in) { return matrix_power(in[0], -2); }},
      {"linalg.det", one(det)},
      {"linalg.slogdet", [](const Tensors& in) { return slogdet(in[0]).logabsdet; }},
      {"linalg.cholesky", [](const Tensors& in) { return cholesky(matmul(in[0], transpose(in[0], -2, -1))); }},
      {"linalg.qr", [](const Tensors& in) { return qr(in[0]).Q; }},
      {"linalg.qr#R", [](const Tensors& in) { return qr(in[0]).R; }},
      {"linalg.qr#wide", [](const Tensors& in) { return qr(in[0]).R; }},
      {"linalg.svd", [](const Tensors& in) { return square(svd(in[0]).U); }},
      {"linalg.svd#Vh", [](const Tensors& in) { return square(svd(in[0]).Vh); }},
      {"linalg.svdvals", one(svdvals)},
      {"linalg.eigh", [symmetric](const Tensors& in) { return square(eigh(symmetric(in[0])).Q); }},
      {"linalg.eigvalsh", [symmetric](const Tensors& in) { return eigvalsh(symmetric(in[0])); }},
  };
}

}  // namespace

std::map<std::string, GoldenOperation> golden_coverage() {
  GoldenEntries all;
  for (const auto& family : {functions, arithmetic, comparisons, layouts, indexing, orders, reductions, products})
    all.merge(family());
  if (kernels::has_lapack()) all.merge(linalg_entries());
  return all;
}

}  // namespace ditharos::tests
