#include <ditharos/tensor/kernels/pointwise/pointwise.h>

#include <atomic>
#include <cmath>
#include <limits>

#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/dispatch.h>
#include <ditharos/tensor/kernels/loop_nest.h>
#include <ditharos/tensor/kernels/pointwise/convert.h>
#include <ditharos/tensor/kernels/pointwise/staging.h>
#include <ditharos/tensor/kernels/reduce/reduce_isa.h>

namespace ditharos::kernels {
namespace {

template <class T>
inline constexpr bool has_loops = !std::is_same_v<T, bool> && !is_reduced_float<T>;

/// Refuses a dtype for which `loop` does not exist.
template <class Loop>
void require(const Loop& loop, DType dtype) {
  check<DTypeError>(loop.run != nullptr, "[", loop.name, "] does not take ", dtype,
                    "; convert with to(x, DType::f32) or DType::f64");
}

/// Calls f(T{}) for the types that have loops; refuses the others in the name of `op`.
template <class F>
void visit_with_loops(const char* op, DType dtype, const F& f) {
  visit_dtype(dtype, [&](auto zero) {
    if constexpr (has_loops<decltype(zero)>) f(zero);
    else fail<DTypeError>("[", op, "] does not take ", dtype, "; convert with to(x, DType::f32)");
  });
}

/// alpha and beta in the element type. An integer tensor needs whole numbers: nothing is rounded silently.
template <class T>
T parameter(const char* op, double value) {
  check<DTypeError>(std::is_floating_point_v<T> || value == std::floor(value), "[", op, "] a tensor of ", dtype_of<T>,
                    " takes whole numbers, got ", value, "; convert with to(x, DType::f32)");
  return convert<T>(value);
}

const PointwiseKernels& loops() { return isa_kernels<PointwiseKernels>(); }

/// y = f(x) for equal shapes.
template <class T>
void run(const UnaryLoop<T>& loop, const Tensor& y, const Tensor& x, T alpha, T beta) {
  if (y.numel() == 0) return;
  T* out = y.mutable_data<T>();
  const T* in = x.data<T>();
  const LoopNest nest(y.shape(), {y.strides(), x.strides()});
  for_each_row(nest, elementwise_grain, [&](int64_t n, const int64_t* at) {
    run_row(loop, n, out + at[0], nest.inner_stride(0), in + at[1], nest.inner_stride(1), alpha, beta);
  });
}

/// out = f(a, b), the operands broadcast to out's shape.
template <class T>
void run(const BinaryLoop<T>& loop, const Tensor& out, const Tensor& a, const Tensor& b) {
  if (out.numel() == 0) return;
  T* result = out.mutable_data<T>();
  const T *left = a.data<T>(), *right = b.data<T>();
  const Shape& shape = out.shape();
  const LoopNest nest(shape, {out.strides(), broadcast_strides(a, shape), broadcast_strides(b, shape)});
  for_each_row(nest, elementwise_grain, [&](int64_t n, const int64_t* at) {
    run_row(loop, n, result + at[0], nest.inner_stride(0), left + at[1], nest.inner_stride(1), right + at[2],
            nest.inner_stride(2));
  });
}

/// True when 1 / x is exact and a normal number of type T: multiplying with it then gives the bits of a division by x.
template <class T>
bool has_exact_reciprocal(double x) {
  int exponent = 0;
  return std::abs(std::frexp(x, &exponent)) == .5 && std::abs(exponent - 1) < std::numeric_limits<T>::max_exponent - 1;
}

/// True when x is not 0 and too small or too large for an f32 of full precision.
bool beyond_float(double x) {
  const double size = std::abs(x);
  return std::isfinite(x) && size != 0 &&
         (size < double(std::numeric_limits<float>::min()) || size > double(std::numeric_limits<float>::max()));
}

/// The function for a power, where there is a faster one. Multiplications in double, and a square root, round f32 once;
/// in f64 each of them rounds, so that few may be made.
Unary power(double exponent, DType dtype) {
  if (exponent == 2) return Unary::square;
  if (exponent == 0.5) return Unary::sqrt;
  if (exponent == -1) return Unary::reciprocal;
  if (exponent == -0.5) return Unary::rsqrt;
  const bool f32 = dtype == DType::f32;
  const double most = f32 ? 32 : 4, steps = f32 ? exponent * 2 : exponent;
  return steps == std::floor(steps) && std::abs(exponent) <= most ? Unary::pow_whole : Unary::pow_scalar;
}

}  // namespace

Tensor unary(Unary op, const Tensor& x, double alpha, double beta) {
  const char* name = loops().unary_f32(op).name;
  if (op == Unary::pow_scalar && is_floating(x.dtype())) op = power(alpha, x.dtype());
  if (op == Unary::div_scalar && x.dtype() == DType::f32 && beyond_float(alpha))
    return to(unary(op, to(x, DType::f64), alpha), DType::f32);
  Tensor y(x.shape(), x.dtype());
  visit_with_loops(name, x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const bool multiply = op == Unary::div_scalar && std::is_floating_point_v<T> && has_exact_reciprocal<T>(alpha);
    if (multiply) alpha = 1 / alpha;
    const UnaryLoop<T> loop = loops().unary(multiply ? Unary::mul_scalar : op, zero);
    require(loop, x.dtype());
    run(loop, y, x, parameter<T>(name, alpha), parameter<T>(name, beta));
  });
  return y;
}

Tensor binary(Binary op, const Tensor& a, const Tensor& b) {
  const char* name = loops().binary_f32(op).name;
  check<DTypeError>(a.dtype() == b.dtype(), "[", name, "] both tensors need one dtype, got ", a.dtype(), " and ",
                    b.dtype());
  const Shape shape = broadcast_shapes(name, a.shape(), b.shape());
  Tensor out;
  visit_with_loops(name, a.dtype(), [&](auto zero) {
    const auto loop = loops().binary(op, zero);
    require(loop, a.dtype());
    out = Tensor(shape, a.dtype());
    run(loop, out, a, b);
  });
  return out;
}

void accumulate(const Tensor& into, const Tensor& x) {
  check<ShapeError>(into.shape() == x.shape(), "[accumulate] cannot add shape ", x.shape(), " to shape ", into.shape());
  check<DTypeError>(into.dtype() == x.dtype(), "[accumulate] cannot add ", x.dtype(), " to ", into.dtype());
  visit_with_loops("accumulate", into.dtype(),
                   [&](auto zero) { run(loops().binary(Binary::add, zero), into, into, x); });
}

void scale_in_place(const Tensor& x, double alpha) {
  visit_with_loops("scale_in_place", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    run(loops().unary(Unary::mul_scalar, zero), x, x, parameter<T>("scale_in_place", alpha), T(0));
  });
}

bool all_finite(const Tensor& x) {
  if (!is_floating(x.dtype())) return true;
  if (is_reduced_floating(x.dtype())) return all_finite(to(x, DType::f32));
  const Tensor flat = contiguous(x);
  const ReduceKernels& kernels = isa_kernels<ReduceKernels>();
  std::atomic<bool> finite{true};
  parallel_for(x.numel(), elementwise_grain, [&](int64_t begin, int64_t end) {
    const bool all = x.dtype() == DType::f32 ? kernels.all_finite_f32(flat.data<float>() + begin, end - begin)
                                             : kernels.all_finite_f64(flat.data<double>() + begin, end - begin);
    if (!all) finite.store(false, std::memory_order_relaxed);
  });
  return finite.load();
}

}  // namespace ditharos::kernels
