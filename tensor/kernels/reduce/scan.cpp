#include <ditharos/tensor/kernels/reduce/scan.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/loop_nest.h>
#include <ditharos/tensor/view.h>

namespace ditharos::kernels {
namespace {

/// What a line is added up in. Integers are added in the unsigned type of their width, where an overflow wraps around.
template <class T>
struct Accumulator {
  using type = T;
};
template <>
struct Accumulator<float> {
  using type = double;
};

/// `tile` lines side by side; a step of 1 between lines is known at compile time where `adjacent`.
template <int tile, bool adjacent, class State, class To, class From, class Step>
void scan_lines(int64_t width, int64_t length, const From* from, int64_t from_step, int64_t from_across, To* to,
                int64_t to_step, int64_t to_across, const Step& step) {
  if (adjacent) from_across = to_across = 1;
  State state[tile] = {};
  for (int64_t i = 0; i < length; ++i)
    for (int64_t j = 0; j < width; ++j)
      to[i * to_step + j * to_across] = step(state[j], from[i * from_step + j * from_across], i);
}

/// out[i] = step(state, x[i], i) along `axis`; the state of a line begins as State{}. `from_end`: from the last element
/// to the first.
template <class State, class To, class From, class Step>
void scan(const Tensor& out, const Tensor& x, int axis, const From* from, To* to, const Step& step,
          bool from_end = false) {
  const int64_t length = x.shape()[axis];
  int64_t from_step = x.strides()[axis], to_step = out.strides()[axis];
  if (from_end) {
    from += (length - 1) * from_step, to += (length - 1) * to_step;
    from_step = -from_step, to_step = -to_step;
  }
  Shape lines = x.shape();
  Strides to_strides = out.strides(), from_strides = x.strides();
  lines.erase(axis), to_strides.erase(axis), from_strides.erase(axis);
  const LoopNest nest(lines, {to_strides, from_strides});
  // A line belongs to one thread. Several lines go side by side: many where that reads memory in order, and a few along
  // the last axis, so that one line's step need not wait for another's. More of them would evict each other from the
  // first-level cache where their distance is a multiple of 4 KB.
  for_each_row(nest, std::max<int64_t>(1, elementwise_grain / length), [&](int64_t n, const int64_t* at) {
    const int64_t to_across = nest.inner_stride(0), from_across = nest.inner_stride(1);
    constexpr int64_t many = 64, few = 4;
    const int64_t tile = std::abs(to_step) == 1 ? few : many;
    for (int64_t left = 0; left < n; left += tile) {
      const int64_t width = std::min(tile, n - left);
      const From* source = from + at[1] + left * from_across;
      To* target = to + at[0] + left * to_across;
      if (tile == few && width == few)
        scan_lines<few, false, State>(few, length, source, from_step, from_across, target, to_step, to_across, step);
      else if (to_across == 1 && from_across == 1)
        scan_lines<many, true, State>(width, length, source, from_step, 1, target, to_step, 1, step);
      else
        scan_lines<many, false, State>(width, length, source, from_step, from_across, target, to_step, to_across, step);
    }
  });
}

/// A running sum or product: `run` is called with pointers to elements of x and of the result.
template <class Run>
Tensor accumulate_along(const char* op, const Tensor& x, int axis, const Run& run) {
  axis = normalize_axis(op, axis, x.rank());
  check_full_precision(op, x.dtype());
  const Tensor source = is_floating(x.dtype()) ? x : to_dtype(x, DType::i64);
  Tensor out(x.shape(), source.dtype());
  if (out.numel() == 0) return out;
  if (source.dtype() == DType::f32) run(out, source, axis, source.data<float>(), out.mutable_data<float>());
  else if (source.dtype() == DType::f64) run(out, source, axis, source.data<double>(), out.mutable_data<double>());
  else
    run(out, source, axis, reinterpret_cast<const uint64_t*>(source.data<int64_t>()),
        reinterpret_cast<uint64_t*>(out.mutable_data<int64_t>()));
  return out;
}

/// A factor that is 1 before the first step.
template <class T>
struct Product {
  T value = T(1);
};

/// largest + ln(sum), the sum in units of e^largest.
struct LogSum {
  double largest = -std::numeric_limits<double>::infinity(), sum = 0;
  double add(double x) {
    if (x > largest) {
      sum = sum * std::exp(largest - x) + 1;
      largest = x;
    } else if (x == largest) {
      sum += std::isinf(x) && x < 0 ? 0 : 1;
    } else {
      sum += std::exp(x - largest);  // NaN too
    }
    return std::isinf(largest) && sum == sum ? largest : largest + std::log(sum);
  }
};

template <class T>
struct Best {
  T value{};
  int64_t index = -1;
};

template <bool largest>
Tensor cumulative_place(const char* op, const Tensor& x, int axis) {
  axis = normalize_axis(op, axis, x.rank());
  check_full_precision(op, x.dtype());
  Tensor out(x.shape(), DType::i64);
  if (out.numel() == 0) return out;
  visit_full_precision(op, x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    scan<Best<T>>(out, x, axis, x.data<T>(), out.mutable_data<int64_t>(), [](Best<T>& best, T value, int64_t i) {
      const bool wins = largest ? value >= best.value : value <= best.value;
      if (best.index < 0 || wins || value != value) {
        if (best.index < 0 || best.value == best.value || value != value) best = {value, i};
      }
      return best.index;
    });
  });
  return out;
}

}  // namespace

Tensor cumsum(const Tensor& x, int axis, bool from_end) {
  return accumulate_along("cumsum", x, axis, [=](const Tensor& out, const Tensor& in, int along, auto* from, auto* to) {
    using T = std::remove_pointer_t<decltype(to)>;
    using Sum = typename Accumulator<T>::type;
    const auto step = [](Sum& total, T value, int64_t) { return T(total += value); };
    scan<Sum>(out, in, along, from, to, step, from_end);
  });
}

Tensor cumprod(const Tensor& x, int axis) {
  return accumulate_along("cumprod", x, axis, [](const Tensor& out, const Tensor& in, int along, auto* from, auto* to) {
    using T = std::remove_pointer_t<decltype(to)>;
    using Factor = Product<typename Accumulator<T>::type>;
    scan<Factor>(out, in, along, from, to, [](Factor& total, T value, int64_t) { return T(total.value *= value); });
  });
}

Tensor logcumsumexp(const Tensor& x, int axis) {
  axis = normalize_axis("logcumsumexp", axis, x.rank());
  return visit_floating("logcumsumexp", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    Tensor out(x.shape(), x.dtype());
    if (out.numel() > 0)
      scan<LogSum>(out, x, axis, x.data<T>(), out.mutable_data<T>(),
                   [](LogSum& total, T value, int64_t) { return T(total.add(value)); });
    return out;
  });
}

Tensor logcumsumexp_backward(const Tensor& grad, const Tensor& x, const Tensor& y, int axis) {
  const auto turned = [&](const Tensor& t) { return views::transpose(t, axis, x.rank() - 1); };
  const auto lines = [&](const Tensor& t) { return contiguous(turned(t)); };
  const Tensor g = lines(grad), in = lines(x), out = lines(y), dx(in.shape(), x.dtype());
  const int64_t n = in.size(-1);
  if (in.numel() == 0) return turned(dx);
  visit_floating("logcumsumexp_backward", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T *pg = g.data<T>(), *px = in.data<T>(), *py = out.data<T>();
    T* to = dx.mutable_data<T>();
    parallel_for(in.numel() / n, std::max<int64_t>(1, 2048 / n), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        // total_i = sum over j >= i of g_j e^(y_i - y_j) = g_i + total_{i+1} e^(y_i - y_{i+1}); y increases.
        const auto share = [](double value, double weight) { return weight == 0 ? 0 : value * weight; };
        double total = 0;
        for (int64_t i = n - 1; i >= 0; --i) {
          const int64_t at = row * n + i;
          const bool nothing = py[at] == -std::numeric_limits<T>::infinity();
          const double decay = i + 1 < n && !nothing ? std::exp(double(py[at]) - double(py[at + 1])) : 0;
          total = double(pg[at]) + share(total, decay);
          to[at] = nothing ? T(0) : T(share(total, std::exp(double(px[at]) - double(py[at]))));
        }
      }
    });
  });
  return turned(dx);
}

Tensor cumulative_argmax(const char* op, const Tensor& x, int axis) { return cumulative_place<true>(op, x, axis); }
Tensor cumulative_argmin(const char* op, const Tensor& x, int axis) { return cumulative_place<false>(op, x, axis); }

}  // namespace ditharos::kernels
