// Rows of the op table: scaled dot-product attention with masks.
#include <cmath>

#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include "tests/op_table/op_table.h"

namespace ditharos::tests {
namespace {

/// Numbers are inputs with a gradient; constants are numbers without, of which some block.
enum class Mask { none, flags, numbers, constants };

/// What a constant mask adds to the score of query i and key j. Query 1 sees no key.
double constant(int64_t i, int64_t j) {
  return i == 1 || (i + 2 * j) % 5 == 0 ? -INFINITY : std::cos(double(i + 3 * j));
}
Tensor constants(const Tensor& q, const Tensor& k) {
  std::vector<double> values;
  for (int64_t i = 0; i < q.size(2); ++i)
    for (int64_t j = 0; j < k.size(2); ++j) values.push_back(constant(i, j));
  return operand(kernels::to(from_vector(values, {q.size(2), k.size(2)}), q.dtype()));
}

/// The definition, query by query; one that may see no key gets zeros.
Array attended(const Arrays& in, Mask kind, bool causal) {
  const Array &q = in[0], &k = in[1], &v = in[2];
  const int64_t keys = k.shape[2], depth = q.shape[3], width = v.shape[3];
  const bool is_input = kind == Mask::flags || kind == Mask::numbers;
  const Array mask = is_input ? stretch(in[3], {q.shape[0], q.shape[1], q.shape[2], keys}) : Array();
  Array out({q.shape[0], q.shape[1], q.shape[2], width});
  each_index({q.shape[0], q.shape[1], q.shape[2]}, [&](const Index& i) {
    std::vector<double> weights;
    double total = 0;
    for (int64_t j = 0; j < keys; ++j) {
      double score = 0;
      for (int64_t c = 0; c < depth; ++c) score += q.at({i[0], i[1], i[2], c}) * k.at({i[0], i[1], j, c});
      score /= std::sqrt(double(depth));
      if (kind == Mask::numbers) score += mask.at({i[0], i[1], i[2], j});
      if (kind == Mask::constants) score += constant(i[2], j);
      const bool seen = !(causal && j > i[2]) && !(kind == Mask::flags && mask.at({i[0], i[1], i[2], j}) == 0);
      weights.push_back(seen ? std::exp(score) : 0);
      total += weights.back();
    }
    for (int64_t c = 0; c < width; ++c)
      for (int64_t j = 0; j < keys; ++j)
        if (total > 0) out.at({i[0], i[1], i[2], c}) += weights[size_t(j)] / total * v.at({i[0], i[1], j, c});
  });
  return out;
}

Row attending(Mask mask, bool causal) {
  Row row;
  row.name = "scaled_dot_product_attention";
  if (mask == Mask::none || mask == Mask::flags) row.takes = Takes::products;  // numbers that are added are f32
  if (mask != Mask::numbers) row.record = row.name;  // with a mask that is learned it is made of other operations
  row.op = [=](const Tensors& in) {
    const Tensor none, m = mask == Mask::constants ? constants(in[0], in[1]) : mask == Mask::none ? none : in[3];
    return scaled_dot_product_attention(in[0], in[1], in[2], m, causal);
  };
  row.reference = [=](const Arrays& in) { return attended(in, mask, causal); };
  row.inputs = {uniform(-2, 2), uniform(-2, 2), uniform(-2, 2)};
  row.cases = {{{2, 2, 3, 4}, {2, 2, 5, 4}, {2, 2, 5, 3}}, {{1, 2, 4, 5}, {1, 2, 4, 5}, {1, 2, 4, 5}},
               {{1, 1, 1, 1}, {1, 1, 1, 1}, {1, 1, 1, 1}}, {{0, 2, 3, 4}, {0, 2, 3, 4}, {0, 2, 3, 4}},
               {{2, 1, 0, 3}, {2, 1, 4, 3}, {2, 1, 4, 2}}, {{2, 1, 4, 3}, {2, 1, 0, 3}, {2, 1, 0, 2}}};
  row.large = {{{2, 2, 70, 9}, {2, 2, 131, 9}, {2, 2, 131, 9}}};
  if (mask == Mask::flags || mask == Mask::numbers) {
    row.inputs.push_back(mask == Mask::flags ? flags() : uniform(-2, 2));
    row.cases[0].push_back({2, 1, 1, 5});
    row.cases[1].push_back({4, 4});
    row.cases[2].push_back({1});
    row.cases[3].push_back({3, 3});
    row.cases[4].push_back({1, 4});
    row.cases[5].push_back({4, 1});
    row.large[0].push_back({2, 2, 70, 131});
  }
  row.misuse = [] { scaled_dot_product_attention(zeros({1, 1, 2, 3}), zeros({1, 1, 4, 2}), zeros({1, 1, 4, 3})); };
  row.message =
      "[scaled_dot_product_attention] needs q [B, H, T, D], k [B, H, S, D] and v [B, H, S, E], got [1, 1, 2, 3], "
      "[1, 1, 4, 2] and [1, 1, 4, 3]";
  return row;
}

}  // namespace

Rows attention_rows() {
  Rows rows;
  for (Mask mask : {Mask::none, Mask::flags, Mask::numbers, Mask::constants})
    for (bool causal : {false, true}) rows.push_back(attending(mask, causal));
  rows[2].misuse = [] {
    const Tensor x = zeros({1, 1, 2, 3});
    scaled_dot_product_attention(x, x, x, zeros({3, 2}, DType::boolean));
  };
  rows[2].message =
      "[scaled_dot_product_attention] a mask of shape [3, 2] does not stretch to [B, H, T, S] = [1, 1, 2, 2]";
  rows[4].misuse = [] {
    const Tensor x = zeros({1, 1, 2, 3});
    scaled_dot_product_attention(x, x, x, zeros({2, 2}, DType::i64));
  };
  rows[4].message =
      "[scaled_dot_product_attention] the mask must be bool (true: takes part) or f32 (added to the scores), got i64";
  rows[6].misuse = [] {
    const Tensor x = zeros({1, 1, 2, 3});
    scaled_dot_product_attention(x, x, zeros({1, 1, 2, 3}, DType::f64));
  };
  rows[6].message = "[scaled_dot_product_attention] q is f32, k is f32 and v is f64; they must be of one dtype";
  return rows;
}

}  // namespace ditharos::tests
