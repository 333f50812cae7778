// Rows of the op table: matrix products, windows.
#include <cmath>
#include <numbers>

#include <ditharos/autograd/ops.h>
#include "tests/op_table/op_table.h"

namespace ditharos::tests {
namespace {

Array with_leading(Array x) {
  x.shape.insert(0, 1);
  return x;
}

Row product() {
  Row row;
  row.name = row.record = "matmul";
  row.takes = Takes::products;
  row.op = [](const Tensors& in) { return matmul(in[0], in[1]); };
  row.reference = [](const Arrays& in) { return matmul(in[0], in[1]); };
  row.inputs = {uniform(-1, 1), uniform(-1, 1)};
  row.cases = {{{2, 3}, {3, 4}},     {{2, 5, 3}, {3, 4}},   {{5, 3}, {2, 3, 4}},    {{2, 1, 2, 3}, {4, 3, 2}},
               {{0, 3}, {3, 2}},     {{2, 0}, {0, 3}},      {{0, 2, 3}, {0, 3, 2}}, {{1, 1}, {1, 1}},
               {{17, 33}, {33, 19}}, {{3, 5, 7}, {3, 7, 2}}};
  row.large = {{{300, 257}, {257, 129}}, {{6, 65, 70}, {6, 70, 40}}};
  row.misuse = [] { matmul(zeros({2, 3}), zeros({4, 5})); };
  row.message = "[matmul] cannot multiply [2, 3] and [4, 5]: 3 columns meet 4 rows";
  return row;
}

/// A vector on one side or on both.
Row vector_product(bool left, bool right) {
  Row row = product();
  row.reference = [=](const Arrays& in) {
    const Array a = left ? with_leading(in[0]) : in[0];
    const Array b = right ? flipped(with_leading(in[1])) : in[1];
    Array out = matmul(a, b);
    if (left) out.shape.erase(out.rank() - 2);
    if (right) out.shape.erase(out.rank() - 1);
    return out;
  };
  if (left && right) row.cases = {{{3}, {3}}, {{1}, {1}}, {{0}, {0}}};
  else if (left) row.cases = {{{3}, {3, 4}}, {{3}, {2, 3, 4}}, {{1}, {1, 1}}};
  else row.cases = {{{2, 3}, {3}}, {{5, 2, 3}, {3}}, {{1, 1}, {1}}};
  row.large.clear();
  row.misuse = [] { matmul(zeros({3}), zeros({})); };
  row.message = "[matmul] needs at least one axis each, got shapes [3] and []";
  return row;
}

Array linear_reference(const Arrays& in) {
  const Array flat = in[0].rank() == 1 ? with_leading(in[0]) : in[0];
  Array out = matmul(flat, flipped(in[1]));
  if (in[0].rank() == 1) out.shape.erase(0);
  return in.size() == 2 ? out : zip(out, in[2], [](double a, double b) { return a + b; });
}

Row linear_map(bool with_bias) {
  Row row;
  row.name = row.record = "linear";
  row.op = [=](const Tensors& in) { return linear(in[0], in[1], with_bias ? in[2] : Tensor{}); };
  row.reference = linear_reference;
  row.inputs = {uniform(-1, 1), uniform(-1, 1)};
  row.cases = {{{2, 3}, {4, 3}}, {{2, 5, 3}, {4, 3}},  {{3}, {2, 3}},    {{0, 3}, {2, 3}},
               {{1, 1}, {1, 1}}, {{17, 33}, {19, 33}}, {{2, 3}, {0, 3}}, {{2, 0}, {3, 0}}};
  row.large = {{{300, 257}, {129, 257}}, {{4, 70, 96}, {288, 96}}};
  row.takes = with_bias ? Takes::floating : Takes::products;  // the bias of a product in bf16 is f32
  if (with_bias) {
    row.inputs.push_back(uniform(-1, 1));
    for (auto* cases : {&row.cases, &row.large})
      for (Case& c : *cases) c.push_back({c[1][0]});
  }
  row.misuse = [] { linear(zeros({2, 3}), zeros({4, 2})); };
  row.message = "[linear] x [2, 3] does not fit weight [4, 2]: its last axis must be 2";
  return row;
}

Row linear_then_gelu(bool with_bias) {
  Row row = linear_map(with_bias);
  row.name = row.record = "linear_gelu_tanh";
  row.op = [=](const Tensors& in) { return linear_gelu_tanh(in[0], in[1], with_bias ? in[2] : Tensor{}); };
  row.reference = [](const Arrays& in) {
    return map(linear_reference(in), [](double v) {
      return .5 * v * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (v + .044715 * v * v * v)));
    });
  };
  row.misuse = [] { linear_gelu_tanh(zeros({2, 3}), zeros({4, 2})); };
  row.message = "[linear_gelu_tanh] x [2, 3] does not fit weight [4, 2]: its last axis must be 2";
  return row;
}

struct Window {
  int64_t kernel, stride, padding;
  int64_t out(int64_t n) const { return (n + 2 * padding - kernel) / stride + 1; }
};

/// Calls body(column index, pixel index) for every pixel inside the image that a window covers.
void each_window_pixel(const Shape& image, const Window& w,
                       const std::function<void(const Index&, const Index&)>& body) {
  const int64_t rows = w.out(image[2]), columns = w.out(image[3]);
  each_index({image[0], rows, columns, image[1], w.kernel, w.kernel}, [&](const Index& i) {
    const int64_t y = i[1] * w.stride + i[4] - w.padding, x = i[2] * w.stride + i[5] - w.padding;
    if (y < 0 || y >= image[2] || x < 0 || x >= image[3]) return;
    body({i[0], i[1] * columns + i[2], (i[3] * w.kernel + i[4]) * w.kernel + i[5]}, {i[0], i[3], y, x});
  });
}

Array unfolded(const Array& x, const Window& w) {
  Array out({x.shape[0], w.out(x.shape[2]) * w.out(x.shape[3]), x.shape[1] * w.kernel * w.kernel});
  each_window_pixel(x.shape, w, [&](const Index& column, const Index& pixel) { out.at(column) = x.at(pixel); });
  return out;
}

Row unfolding(const Window& w) {
  Row row;
  row.name = row.record = "unfold";
  row.op = [w](const Tensors& in) { return unfold(in[0], w.kernel, w.stride, w.padding); };
  row.reference = [w](const Arrays& in) { return unfolded(in[0], w); };
  row.inputs = {uniform(-2, 2)};
  row.cases = {{{2, 3, 4, 5}}, {{1, 1, 3, 3}}, {{0, 2, 3, 3}}};
  if (w.kernel <= 1 + 2 * w.padding) row.cases.push_back({{1, 1, 1, 1}});
  row.large = {{{4, 3, 60, 61}}};
  row.misuse = [] { unfold(zeros({1, 1, 2, 2}), 3, 1, 0); };
  row.message = "[unfold] a window of [3, 3] does not fit an image of 2 x 2 with padding [0, 0] and dilation [1, 1]";
  return row;
}

Row folding(const Window& w, int64_t height, int64_t width) {
  const int64_t windows = w.out(height) * w.out(width), area = w.kernel * w.kernel;
  Row row;
  row.name = row.record = "fold";
  row.op = [=](const Tensors& in) {
    return fold(in[0], in[0].size(2) / area, height, width, w.kernel, w.stride, w.padding);
  };
  row.reference = [=](const Arrays& in) {
    Array out({in[0].shape[0], in[0].shape[2] / area, height, width});
    each_window_pixel(out.shape, w,
                      [&](const Index& column, const Index& pixel) { out.at(pixel) += in[0].at(column); });
    return out;
  };
  row.inputs = {uniform(-2, 2)};
  row.cases = {{{2, windows, 3 * area}}, {{1, windows, area}}, {{0, windows, area}}};
  row.large = {{{40, windows, 16 * area}}};
  row.misuse = [] { fold(zeros({1, 4, 9}), 1, 5, 5, 3, 1, 0); };
  row.message = "[fold] needs columns [B, 9, 9], got [1, 4, 9]";
  return row;
}

}  // namespace

Rows product_rows() {
  return {product(),
          vector_product(true, false),
          vector_product(false, true),
          vector_product(true, true),
          linear_map(false),
          linear_map(true),
          linear_then_gelu(false),
          linear_then_gelu(true),
          unfolding({3, 1, 0}),
          unfolding({2, 2, 1}),
          folding({3, 1, 1}, 4, 5),
          folding({2, 2, 0}, 6, 4),
          folding({1, 1, 0}, 1, 1)};
}

}  // namespace ditharos::tests
