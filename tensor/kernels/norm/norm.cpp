#include <ditharos/tensor/kernels/norm/norm.h>

#include <algorithm>

#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/dispatch.h>
#include <ditharos/tensor/kernels/norm/norm_isa.h>
#include <ditharos/tensor/kernels/reduce/reduce.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/tensor/view.h>

namespace ditharos::kernels {
namespace {

template <class T, class Branch = T>
const NormLoops<T, Branch>& loops() {
  if constexpr (std::is_same_v<Branch, bfloat16>) return isa_kernels<NormKernels>().bf16;
  else if constexpr (std::is_same_v<T, float>) return isa_kernels<NormKernels>().f32;
  else return isa_kernels<NormKernels>().f64;
}

/// Calls f(T{}, Branch{}) with the types of x and of a branch: the same, or bf16 beside f32.
template <class F>
void visit_branch(const char* op, DType dtype, DType branch, F&& f) {
  if (dtype == DType::f32 && branch == DType::bf16) return f(float{}, bfloat16{});
  visit_floating(op, dtype, [&](auto zero) { f(zero, zero); });
}

/// Least number of elements per thread.
constexpr int64_t grain = 16384;
/// Rows whose contributions to a column sum are added one after the other; the sums of such chunks are added in order.
constexpr int64_t rows_of_chunk = 64;

/// The vectors that rows share: one for each sample of `tokens` rows (a modulation), or one for all (an affine map).
struct Samples {
  int64_t count, tokens, d;
};

/// x [B, T, D].
Samples samples_of(const char* op, const Tensor& x) {
  check<ShapeError>(x.rank() == 3, "[", op, "] x must be [batch, tokens, width], got ", x.shape());
  return {x.size(0), x.size(1), x.size(2)};
}

void check_like(const char* op, const char* name, const Tensor& t, const Shape& shape, DType dtype) {
  check<ShapeError>(t.shape() == shape, "[", op, "] ", name, " must be ", shape, ", got ", t.shape());
  check<DTypeError>(t.dtype() == dtype, "[", op, "] ", name, " is ", t.dtype(), ", x is ", dtype);
}

/// A branch of x: of its shape, and its dtype or bf16 beside f32.
void check_branch(const char* op, const char* name, const Tensor& t, const Tensor& x) {
  check_like(op, name, t, x.shape(), x.dtype() == DType::f32 && t.dtype() == DType::bf16 ? DType::bf16 : x.dtype());
}

/// Rows that the kernels can read: their elements are contiguous. There may be gaps between rows.
Tensor readable_rows(const Tensor& x) { return x.size(-1) <= 1 || x.strides().back() == 1 ? x : contiguous(x); }

/// First element of row i of a [B, D] tensor, or null for an undefined one.
template <class T>
const T* row_of(const Tensor& x, int64_t i) {
  return x.defined() ? x.data<T>() + i * x.strides()[0] : nullptr;
}

/// Calls body(sample, first_row, rows) in parallel for stretches of rows of one sample; rows are counted over all.
void for_each_stretch(const Samples& s, FunctionRef<void(int64_t sample, int64_t first, int64_t rows)> body) {
  parallel_for(s.count * s.tokens, 1 + grain / std::max<int64_t>(s.d, 1), [&](int64_t begin, int64_t end) {
    while (begin < end) {
      const int64_t sample = begin / s.tokens, stop = std::min(end, (sample + 1) * s.tokens);
      body(sample, begin, stop - begin);
      begin = stop;
    }
  });
}

/// Calls body(sample, chunk, first_row, rows) in parallel for the chunks of every sample.
void for_each_chunk(const Samples& s, int64_t chunks,
                    FunctionRef<void(int64_t sample, int64_t chunk, int64_t first, int64_t rows)> body) {
  const int64_t elements = std::min(s.tokens, rows_of_chunk) * s.d;
  parallel_for(s.count * chunks, 1 + grain / std::max<int64_t>(elements, 1), [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t sample = task / chunks, chunk = task % chunks, first = chunk * rows_of_chunk;
      body(sample, chunk, sample * s.tokens + first, std::min(rows_of_chunk, s.tokens - first));
    }
  });
}

/// At least one, so that a sample without rows gets the sum 0.
int64_t chunks_of(const Samples& s) { return std::max<int64_t>(1, (s.tokens + rows_of_chunk - 1) / rows_of_chunk); }

/// [B, chunks, D] -> [B, D].
Tensor add_chunks(const Tensor& partial) {
  const Shape shape{partial.size(0), partial.size(2)};
  return partial.size(1) == 1 ? views::reshape(partial, shape) : sum(partial, {1}, false);
}

/// scale, shift [B, D] or [1, D], or undefined.
Tensor normalize(const Tensor& x, const Samples& s, const Tensor& scale, double offset, const Tensor& shift, double eps,
                 DType of_result, Tensor* statistics) {
  const Tensor in = contiguous(x), out(x.shape(), of_result);
  if (statistics) *statistics = Tensor({s.count * s.tokens, 2}, x.dtype());
  visit_branch("layer_norm", x.dtype(), of_result, [&]<class T, class Branch>(T, Branch) {
    const T* from = in.data<T>();
    Branch* to = out.mutable_data<Branch>();
    T* stats = statistics ? statistics->mutable_data<T>() : nullptr;
    for_each_stretch(s, [&](int64_t sample, int64_t first, int64_t rows) {
      loops<T, Branch>().forward(rows, s.d, from + first * s.d, row_of<T>(scale, sample), T(offset),
                                 row_of<T>(shift, sample), T(eps), to + first * s.d,
                                 stats ? stats + 2 * first : nullptr);
    });
  });
  return out;
}

/// `into` undefined, or what dx is added to.
ModulateGrads normalize_backward(const Tensor& grad, const Tensor& x, const Samples& s, const Tensor& scale,
                                 double offset, const Tensor& statistics, const Tensor& into = {}) {
  const Tensor g = contiguous(grad), in = contiguous(x), stats = contiguous(statistics);
  const Tensor dx = into.defined() ? into : Tensor(x.shape(), x.dtype());
  const int64_t chunks = chunks_of(s);
  const Shape shape{s.count, chunks, scale.defined() ? s.d : 0};
  const Tensor dscale(shape, x.dtype()), dshift(shape, x.dtype());
  visit_branch("layer_norm", x.dtype(), grad.dtype(), [&]<class T, class Branch>(T, Branch) {
    const Branch* gp = g.data<Branch>();
    const T *xp = in.data<T>(), *sp = stats.data<T>();
    T *dxp = dx.mutable_data<T>(), *dscale_p = dscale.mutable_data<T>(), *dshift_p = dshift.mutable_data<T>();
    for_each_chunk(s, chunks, [&](int64_t sample, int64_t chunk, int64_t first, int64_t rows) {
      const int64_t at = (sample * chunks + chunk) * s.d;
      loops<T, Branch>().backward(rows, s.d, gp + first * s.d, xp + first * s.d, sp + 2 * first,
                                  row_of<T>(scale, sample), T(offset), into.defined(), dxp + first * s.d, dscale_p + at,
                                  dshift_p + at);
    });
  });
  return {dx, add_chunks(dshift), add_chunks(dscale)};
}

/// x of any rank as one sample whose rows share the affine map.
Samples one_sample(const char* op, const Tensor& x) {
  check<ShapeError>(x.rank() >= 1 && x.size(-1) >= 1, "[", op, "] needs a last axis of at least 1, got ", x.shape());
  return {1, x.numel() / x.size(-1), x.size(-1)};
}

Tensor as_row(const Tensor& v) { return v.defined() ? views::reshape(contiguous(v), {1, v.size(0)}) : v; }

}  // namespace

Tensor layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps, Tensor* statistics) {
  const Samples s = one_sample("layer_norm", x);
  if (weight.defined()) check_like("layer_norm", "weight", weight, {s.d}, x.dtype());
  if (bias.defined()) check_like("layer_norm", "bias", bias, {s.d}, x.dtype());
  return normalize(x, s, as_row(weight), 0, as_row(bias), eps, x.dtype(), statistics);
}

LayerNormGrads layer_norm_backward(const Tensor& grad, const Tensor& x, const Tensor& weight,
                                   const Tensor& statistics) {
  const Samples s = one_sample("layer_norm_backward", x);
  check_like("layer_norm_backward", "gradient", grad, x.shape(), x.dtype());
  check_like("layer_norm_backward", "statistics", statistics, {s.tokens, 2}, x.dtype());
  if (!weight.defined()) return {normalize_backward(grad, x, s, {}, 0, statistics).x, {}, {}};
  check_like("layer_norm_backward", "weight", weight, {s.d}, x.dtype());
  const ModulateGrads grads = normalize_backward(grad, x, s, as_row(weight), 0, statistics);
  return {grads.x, views::reshape(grads.scale, {s.d}), views::reshape(grads.shift, {s.d})};
}

Tensor layer_norm_modulate(const Tensor& x, const Tensor& shift, const Tensor& scale, double eps, Tensor* statistics,
                           std::optional<DType> dtype) {
  check_floating("layer_norm_modulate", x.dtype());
  const Samples s = samples_of("layer_norm_modulate", x);
  check_like("layer_norm_modulate", "shift", shift, {s.count, s.d}, x.dtype());
  check_like("layer_norm_modulate", "scale", scale, {s.count, s.d}, x.dtype());
  return normalize(x, s, readable_rows(scale), 1, readable_rows(shift), eps, dtype.value_or(x.dtype()), statistics);
}

ModulateGrads layer_norm_modulate_backward(const Tensor& grad, const Tensor& x, const Tensor& scale,
                                           const Tensor& statistics, const Tensor& dx) {
  const Samples s = samples_of("layer_norm_modulate_backward", x);
  if (dx.defined()) {
    check_like("layer_norm_modulate_backward", "dx", dx, x.shape(), x.dtype());
    check<ShapeError>(dx.is_contiguous(), "[layer_norm_modulate_backward] dx must be contiguous");
  }
  check_branch("layer_norm_modulate_backward", "gradient", grad, x);
  check_like("layer_norm_modulate_backward", "scale", scale, {s.count, s.d}, x.dtype());
  check_like("layer_norm_modulate_backward", "statistics", statistics, {s.count * s.tokens, 2}, x.dtype());
  return normalize_backward(grad, x, s, readable_rows(scale), 1, statistics, dx);
}

Tensor gated_residual(const Tensor& x, const Tensor& gate, const Tensor& y) {
  const Samples s = samples_of("gated_residual", x);
  check_like("gated_residual", "gate", gate, {s.count, s.d}, x.dtype());
  check_branch("gated_residual", "y", y, x);
  const Tensor in = contiguous(x), branch = contiguous(y), factors = readable_rows(gate), out(x.shape(), x.dtype());
  visit_branch("gated_residual", x.dtype(), y.dtype(), [&]<class T, class Branch>(T, Branch) {
    const T* xp = in.data<T>();
    const Branch* yp = branch.data<Branch>();
    T* to = out.mutable_data<T>();
    for_each_stretch(s, [&](int64_t sample, int64_t first, int64_t rows) {
      const int64_t at = first * s.d;
      loops<T, Branch>().gate(rows, s.d, xp + at, row_of<T>(factors, sample), yp + at, to + at);
    });
  });
  return out;
}

GatedNorm gated_residual_norm(const Tensor& x, const Tensor& gate, const Tensor& y, const Tensor& shift,
                              const Tensor& scale, double eps, Tensor* statistics, std::optional<DType> dtype) {
  const char* op = "gated_residual_norm";
  const DType of_normalized = dtype.value_or(x.dtype());
  const Samples s = samples_of(op, x);
  check_branch(op, "y", y, x);
  check_like(op, "gate", gate, {s.count, s.d}, x.dtype());
  check_like(op, "shift", shift, {s.count, s.d}, x.dtype());
  check_like(op, "scale", scale, {s.count, s.d}, x.dtype());
  const Tensor in = contiguous(x), branch = contiguous(y);
  const Tensor gates = readable_rows(gate), shifts = readable_rows(shift), scales = readable_rows(scale);
  const GatedNorm out{Tensor(x.shape(), x.dtype()), Tensor(x.shape(), of_normalized)};
  if (statistics) *statistics = Tensor({s.count * s.tokens, 2}, x.dtype());
  visit_branch(op, x.dtype(), y.dtype(), [&]<class T, class Branch>(T, Branch) {
    const auto run = [&]<class Normalized>(Normalized) {
      const T* xp = in.data<T>();
      const Branch* yp = branch.data<Branch>();
      T *residual = out.residual.mutable_data<T>(), *stats = statistics ? statistics->mutable_data<T>() : nullptr;
      Normalized* normalized = out.normalized.mutable_data<Normalized>();
      for_each_stretch(s, [&](int64_t sample, int64_t first, int64_t rows) {
        constexpr int64_t at_once = 4;  // rows that stay in the first-level cache
        for (int64_t row = first; row < first + rows; row += at_once) {
          const int64_t n = std::min(at_once, first + rows - row), at = row * s.d;
          loops<T, Branch>().gate(n, s.d, xp + at, row_of<T>(gates, sample), yp + at, residual + at);
          loops<T, Normalized>().forward(n, s.d, residual + at, row_of<T>(scales, sample), T(1),
                                         row_of<T>(shifts, sample), T(eps), normalized + at,
                                         stats ? stats + 2 * row : nullptr);
        }
      });
    };
    if constexpr (std::is_same_v<T, float>)
      if (of_normalized == DType::bf16) return run(bfloat16{});
    run(T{});
  });
  return out;
}

GateGrads gated_residual_backward(const Tensor& grad, const Tensor& gate, const Tensor& y) {
  const char* op = "gated_residual_backward";
  const Samples s = samples_of(op, y);
  check_branch(op, "y", y, grad);
  check_like(op, "gate", gate, {s.count, s.d}, grad.dtype());
  const Tensor g = contiguous(grad), branch = contiguous(y), factors = readable_rows(gate), dy(y.shape(), y.dtype());
  const int64_t chunks = chunks_of(s);
  const Tensor dgate({s.count, chunks, s.d}, grad.dtype());
  visit_branch(op, grad.dtype(), y.dtype(), [&]<class T, class Branch>(T, Branch) {
    const T* gp = g.data<T>();
    const Branch* yp = branch.data<Branch>();
    T* dgate_p = dgate.mutable_data<T>();
    Branch* dy_p = dy.mutable_data<Branch>();
    for_each_chunk(s, chunks, [&](int64_t sample, int64_t chunk, int64_t first, int64_t rows) {
      loops<T, Branch>().gate_backward(rows, s.d, gp + first * s.d, row_of<T>(factors, sample), yp + first * s.d,
                                       dgate_p + (sample * chunks + chunk) * s.d, dy_p + first * s.d);
    });
  });
  return {add_chunks(dgate), dy};
}

}  // namespace ditharos::kernels
