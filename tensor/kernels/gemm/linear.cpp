#include <ditharos/tensor/kernels/gemm/linear.h>

#include <algorithm>

#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/dispatch.h>
#include <ditharos/tensor/kernels/gemm/gemm.h>
#include <ditharos/tensor/kernels/gemm/matrix_view.h>
#include <ditharos/tensor/kernels/pointwise/convert_isa.h>
#include <ditharos/tensor/kernels/pointwise/gelu_isa.h>
#include <ditharos/tensor/kernels/reduce/reduce.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/tensor/product_dtype.h>
#include <ditharos/tensor/view.h>

namespace ditharos::kernels {
namespace {

template <class T>
const auto& gelu_loops() {
  if constexpr (std::is_same_v<T, float>) return isa_kernels<GeluKernels>().f32;
  else if constexpr (std::is_same_v<T, double>) return isa_kernels<GeluKernels>().f64;
  else return isa_kernels<GeluKernels>().bf16;
}

template <class T>
void apply_gelu(int64_t rows, int64_t columns, int64_t ld, const T* x, T* y) {
  if constexpr (is_reduced_float<T>) isa_kernels<GeluKernels>().forward_rounded(rows, columns, ld, x, y);
  else gelu_loops<T>().forward(rows, columns, ld, x, y);
}

/// Rows whose contributions to a column sum are added one after the other; the sums of such chunks are added in order.
constexpr int64_t rows_of_chunk = 64;

/// The sum [width] over the rows of x [..., width], from those of chunks of rows, which chunk(first row, rows, width,
/// sums) writes in parallel.
template <class T, class Chunk>
Tensor sum_of_chunks(const Tensor& x, const Chunk& chunk) {
  const int64_t width = x.size(-1), rows = width > 0 ? x.numel() / width : 0;
  const int64_t chunks = std::max<int64_t>(1, (rows + rows_of_chunk - 1) / rows_of_chunk);
  const Tensor partial({chunks, width}, dtype_of<T>);
  T* sums = partial.mutable_data<T>();
  parallel_for(chunks, 1 + 256 / std::max<int64_t>(width, 1), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i * rows_of_chunk;
      chunk(first, std::min(rows_of_chunk, rows - first), width, sums + i * width);
    }
  });
  return sum(partial, {0}, false);
}

void check_linear(const char* op, const char* name, const Tensor& x, const Tensor& weight, int64_t width) {
  const bool rounded = x.dtype() == DType::bf16 && weight.dtype() == DType::f32;
  check<DTypeError>(x.dtype() == weight.dtype() || rounded, "[", op, "] ", name, " is ", x.dtype(), ", weight is ",
                    weight.dtype(), "; convert one of them");
  check<ShapeError>(weight.rank() == 2, "[", op, "] weight must be [out, in], got ", weight.shape());
  check<ShapeError>(x.rank() >= 1 && x.size(-1) == width, "[", op, "] ", name, " ", x.shape(), " does not fit weight ",
                    weight.shape(), ": its last axis must be ", width);
}

/// Passes to run(g) the product out [m, n] = op(a) op(b) + bias of rank-2 operands with elements of In; those of out
/// are T.
template <class T, class In, class Run>
void product(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b, const Tensor& bias,
             const Tensor& out, const Run& run) {
  MatrixLayout layout_a, layout_b;
  const Tensor left = readable_matrix(a, layout_a), right = readable_matrix(to_dtype(b, dtype_of<In>), layout_b);
  Gemm<T, In> g;
  g.m = out.size(0), g.n = out.size(1), g.k = transpose_a ? a.size(0) : a.size(1);
  g.a = left.data<In>(), g.lda = layout_a.ld, g.transpose_a = layout_a.transposed != transpose_a;
  g.b = right.data<In>(), g.ldb = layout_b.ld, g.transpose_b = layout_b.transposed != transpose_b;
  g.c = out.mutable_data<T>(), g.ldc = std::max<int64_t>(g.n, 1);
  const Tensor offset = bias.defined() ? contiguous(bias) : bias;
  if (bias.defined()) g.bias = offset.data<ProductOf<T>>();
  run(g);
}

/// The product in the dtype of its sums, or `rounded` to that of a.
Tensor multiply(const char* op, const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b,
                const Tensor& bias, bool rounded = false) {
  const DType dtype = rounded ? a.dtype() : product_dtype(a.dtype());
  const Tensor out({a.size(transpose_a ? 1 : 0), b.size(transpose_b ? 0 : 1)}, dtype);
  const auto run = [](const auto& g) { gemm(g); };
  visit_product_operand(op, a.dtype(), [&](auto zero) {
    using In = decltype(zero);
    if (rounded) product<In, In>(a, transpose_a, b, transpose_b, bias, out, run);
    else product<ProductOf<In>, In>(a, transpose_a, b, transpose_b, bias, out, run);
  });
  return out;
}

void check_forward(const char* op, const Tensor& x, const Tensor& weight, const Tensor& bias) {
  check_linear(op, "x", x, weight, weight.rank() == 2 ? weight.size(1) : 0);
  if (!bias.defined()) return;
  check<DTypeError>(bias.dtype() == product_dtype(x.dtype()), "[", op, "] x is ", x.dtype(), ", bias is ", bias.dtype(),
                    "; it must be ", product_dtype(x.dtype()));
  check<ShapeError>(bias.shape() == Shape{weight.size(0)}, "[", op, "] bias must be ", Shape{weight.size(0)}, ", got ",
                    bias.shape());
}

Tensor linear_of(const Tensor& x, const Tensor& weight, const Tensor& bias, bool rounded) {
  check_forward("linear", x, weight, bias);
  return views::reshape(multiply("linear", as_rows(x), false, weight, true, bias, rounded),
                        with_last(x.shape(), weight.size(0)));
}

}  // namespace

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) { return linear_of(x, weight, bias, false); }
Tensor linear_rounded(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  return linear_of(x, weight, bias, true);
}

Tensor linear_gelu_tanh(const Tensor& x, const Tensor& weight, const Tensor& bias, Tensor* before) {
  check_forward("linear_gelu_tanh", x, weight, bias);
  const Tensor rows = as_rows(x), h({rows.size(0), weight.size(0)}, x.dtype()), y(h.shape(), x.dtype());
  visit_product_operand("linear_gelu_tanh", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* from = h.data<T>();
    T* to = y.mutable_data<T>();
    product<T, T>(rows, false, weight, true, bias, h, [&](const Gemm<T, T>& g) {
      gemm_then<T, T>(
          g, [&](const Gemm<T, T>& piece) { apply_gelu(piece.m, piece.n, piece.ldc, piece.c, to + (piece.c - from)); });
    });
  });
  const Shape shape = with_last(x.shape(), weight.size(0));
  if (before) *before = views::reshape(h, shape);
  return views::reshape(y, shape);
}

Tensor gelu_tanh_of(const Tensor& before) {
  const Tensor h = contiguous(before), y(h.shape(), h.dtype());
  visit_product_operand("gelu_tanh", h.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* from = h.data<T>();
    T* to = y.mutable_data<T>();
    parallel_for(h.numel(), 8192, [&](int64_t begin, int64_t end) {
      apply_gelu(1, end - begin, end - begin, from + begin, to + begin);
    });
  });
  return y;
}

Tensor gelu_tanh_backward_bias(const Tensor& grad, const Tensor& before, const Tensor& out) {
  const char* op = "gelu_tanh_backward_bias";
  const bool rounded = grad.dtype() == DType::bf16 && before.dtype() == DType::bf16;
  check<DTypeError>((grad.dtype() == product_dtype(before.dtype()) || rounded) && out.dtype() == before.dtype(), "[",
                    op, "] gradient is ", grad.dtype(), ", input ", before.dtype(), ", result ", out.dtype());
  check<ShapeError>(grad.rank() >= 1 && grad.shape() == before.shape() && out.shape() == before.shape(), "[", op,
                    "] gradient ", grad.shape(), ", input ", before.shape(), " and result ", out.shape(),
                    " must have one shape");
  check<ShapeError>(out.is_contiguous(), "[", op, "] the result must be contiguous");
  const Tensor dy = contiguous(grad), h = contiguous(before);
  const auto run = [&]<class T, class In, class Grad>(void (*loop)(int64_t, int64_t, const Grad*, const In*, In*, T*)) {
    const Grad* dy_p = dy.data<Grad>();
    const In* h_p = h.data<In>();
    In* dx_p = out.mutable_data<In>();
    return sum_of_chunks<T>(dy, [&](int64_t first, int64_t rows, int64_t width, T* sums) {
      const int64_t at = first * width;
      loop(rows, width, dy_p + at, h_p + at, dx_p + at, sums);
    });
  };
  if (rounded) return run(isa_kernels<GeluKernels>().backward_rounded);
  return visit_product_operand(op, before.dtype(),
                               [&](auto zero) { return run(gelu_loops<decltype(zero)>().backward); });
}

Tensor linear_backward_input(const Tensor& grad, const Tensor& weight, bool rounded) {
  check_linear("linear_backward", "gradient", grad, weight, weight.rank() == 2 ? weight.size(0) : 0);
  const Tensor dx = multiply("linear_backward", as_rows(grad), false, weight, false, {}, rounded);
  return views::reshape(dx, with_last(grad.shape(), weight.size(1)));
}

namespace {
/// Checks dy and x of dW = dy^T x and returns both as rows.
std::pair<Tensor, Tensor> rows_of_both(const Tensor& grad, const Tensor& x) {
  check<DTypeError>(grad.dtype() == x.dtype(), "[linear_backward] gradient is ", grad.dtype(), ", x is ", x.dtype());
  check<ShapeError>(grad.rank() >= 1 && x.rank() >= 1, "[linear_backward] needs at least one axis, got ", grad.shape(),
                    " and ", x.shape());
  const Tensor dy = as_rows(grad), rows = as_rows(x);
  check<ShapeError>(dy.size(0) == rows.size(0), "[linear_backward] gradient ", grad.shape(), " and x ", x.shape(),
                    " differ in their leading axes");
  return {dy, rows};
}
}  // namespace

Tensor linear_backward_weight(const Tensor& grad, const Tensor& x) {
  const auto [dy, rows] = rows_of_both(grad, x);
  return multiply("linear_backward", dy, true, rows, false, {});
}

void accumulate_linear_backward_weight(const Tensor& grad, const Tensor& x, const Tensor& weight_grad) {
  const auto [dy, rows] = rows_of_both(grad, x);
  check<DTypeError>(weight_grad.dtype() == product_dtype(x.dtype()), "[linear_backward] the weight's gradient is ",
                    weight_grad.dtype(), ", x is ", x.dtype());
  check<ShapeError>(weight_grad.shape() == Shape{dy.size(1), rows.size(1)} && weight_grad.is_contiguous(),
                    "[linear_backward] the weight's gradient must be ", Shape{dy.size(1), rows.size(1)},
                    " and contiguous, got ", weight_grad.shape());
  visit_product_operand("linear_backward", x.dtype(), [&, &dy = dy, &rows = rows](auto zero) {
    using In = decltype(zero);
    product<ProductOf<In>, In>(dy, true, rows, false, {}, weight_grad, [](Gemm<ProductOf<In>, In> g) {
      g.accumulate = true;
      gemm(g);
    });
  });
}

Tensor round_and_linear_backward_bias(const Tensor& grad, Tensor* rounded) {
  check<ShapeError>(grad.rank() >= 1, "[linear_backward] needs at least one axis, got ", grad.shape());
  check<DTypeError>(grad.dtype() == DType::f32, "[linear_backward] the gradient must be f32, got ", grad.dtype());
  const Tensor dy = contiguous(grad);
  *rounded = Tensor(dy.shape(), DType::bf16);
  const float* from = dy.data<float>();
  bfloat16* to = rounded->mutable_data<bfloat16>();
  return sum_of_chunks<float>(dy, [&](int64_t first, int64_t rows, int64_t width, float* sums) {
    isa_kernels<ConvertKernels>().to_bf16_and_sum(rows, width, from + first * width, to + first * width, sums);
  });
}

Tensor linear_backward_bias(const Tensor& grad) {
  check<ShapeError>(grad.rank() >= 1, "[linear_backward] needs at least one axis, got ", grad.shape());
  if (grad.dtype() != DType::bf16) return sum(as_rows(grad), {0}, false);
  const Tensor dy = contiguous(grad);
  return sum_of_chunks<float>(dy, [&](int64_t first, int64_t rows, int64_t width, float* sums) {
    isa_kernels<ConvertKernels>().sum_bf16(rows, width, dy.data<bfloat16>() + first * width, sums);
  });
}

}  // namespace ditharos::kernels
