#include <ditharos/tensor/kernels/optimizer/optimizer.h>

#include <algorithm>
#include <cmath>

#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/dispatch.h>
#include <ditharos/tensor/kernels/optimizer/optimizer_isa.h>
#include <ditharos/tensor/parallel.h>

namespace ditharos::kernels {
namespace {

/// Elements that one thread updates at a time: the pieces of all arrays fit the second-level cache.
constexpr int64_t piece = 8192;
static_assert(piece % update_block == 0);

/// Refuses a tensor unless it is contiguous with the parameter's shape and dtype; undefined ones pass if `optional`.
void check_state(const char* op, const char* what, const Tensor& parameter, const Tensor& state, bool optional) {
  if (!state.defined() && optional) return;
  check<ShapeError>(state.defined(), "[", op, "] the ", what, " is undefined");
  check<ShapeError>(state.shape() == parameter.shape() && state.is_contiguous(), "[", op, "] the ", what, " of shape ",
                    state.shape(), " must be contiguous and of the parameter's shape ", parameter.shape());
  check<DTypeError>(state.dtype() == parameter.dtype(), "[", op, "] the ", what, " holds ", state.dtype(),
                    ", the parameter ", parameter.dtype());
}

void check_gradient(const char* op, const Tensor& parameter, const Tensor& grad) {
  check<ShapeError>(grad.defined() && grad.shape() == parameter.shape(), "[", op, "] needs a gradient of shape ",
                    parameter.shape());
  check<DTypeError>(grad.dtype() == parameter.dtype(), "[", op, "] gradient of ", grad.dtype(), " for a parameter of ",
                    parameter.dtype());
}

/// An array that an update changes, or none. The last elements, fewer than a block, pass through a buffer.
template <class T>
struct State {
  explicit State(const Tensor& x) : data(x.defined() ? x.mutable_data<T>() : nullptr) {}
  T* at(int64_t i) const { return data ? data + i : nullptr; }
  T* load(int64_t i, int64_t n) {
    if (data) std::copy_n(data + i, n, buffer);
    return data ? buffer : nullptr;
  }
  void store(int64_t i, int64_t n) const {
    if (data) std::copy_n(buffer, n, data + i);
  }
  T* data;
  T buffer[update_block] = {};
};

/// An array that an update reads.
template <class T>
struct Input {
  explicit Input(const Tensor& x) : data(x.data<T>()) {}
  const T* at(int64_t i) const { return data + i; }
  const T* load(int64_t i, int64_t n) { return std::copy_n(data + i, n, buffer), buffer; }
  void store(int64_t, int64_t) const {}
  const T* data;
  T buffer[update_block] = {};
};

/// Runs update(count, pointers...) over n elements of the arrays: whole blocks in parallel, then the rest, padded.
template <class Update, class... Arrays>
void run(int64_t n, const Update& update, Arrays... arrays) {
  const int64_t whole = n / update_block * update_block, pieces = (whole + piece - 1) / piece;
  parallel_for(pieces, 4, [&](int64_t begin, int64_t end) {
    for (int64_t first = begin * piece; first < std::min(end * piece, whole); first += piece)
      update(std::min(piece, whole - first), arrays.at(first)...);
  });
  if (whole == n) return;
  parallel_for(1, 1, [&](int64_t, int64_t) {  // in a parallel body, so that denormals are flushed as there
    update(update_block, arrays.load(whole, n - whole)...);
    (arrays.store(whole, n - whole), ...);
  });
}

}  // namespace

void adam(const Tensor& parameter, const Tensor& grad, const Tensor& m, const Tensor& v, const Tensor& ema,
          const AdamStep& s, const Tensor& max_v) {
  check_state("adam", "parameter", parameter, parameter, false);
  check_gradient("adam", parameter, grad);
  check_state("adam", "first moment", parameter, m, false);
  check_state("adam", "second moment", parameter, v, false);
  check_state("adam", "largest second moment", parameter, max_v, true);
  check_state("adam", "moving average", parameter, ema, true);
  check<ConfigError>(s.step >= 1, "[adam] steps count from 1, got ", s.step);
  visit_floating("adam", parameter.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const double correction1 = 1 - std::pow(s.beta1, double(s.step)),
                 correction2 = 1 - std::pow(s.beta2, double(s.step));
    const AdamCoefficients<T> c = {
        .grad_scale = T(s.grad_scale),
        .l2 = T(s.decoupled ? 0 : s.weight_decay),
        .beta1 = T(s.beta1),
        .beta1_rest = T(1 - s.beta1),
        .beta2 = T(s.beta2),
        .beta2_rest = T(1 - s.beta2),
        .shrink = T(s.decoupled ? 1 - s.lr * s.weight_decay : 1),
        .step_size = T(s.lr / correction1),
        .root_scale = T(1 / std::sqrt(correction2)),
        .eps = T(s.eps),
        .ema_decay = T(s.ema_decay),
        .ema_rest = T(1 - s.ema_decay),
    };
    const Tensor g = contiguous(grad);
    const auto loop = isa_kernels<OptimizerKernels>().loops(zero).adam;
    run(
        parameter.numel(),
        [&](int64_t n, T* p, const T* gradient, T* mean, T* square, T* largest, T* average) {
          loop(n, p, gradient, mean, square, largest, average, c);
        },
        State<T>(parameter), Input<T>(g), State<T>(m), State<T>(v), State<T>(max_v), State<T>(ema));
  });
}

void sgd(const Tensor& parameter, const Tensor& grad, const Tensor& buffer, const Tensor& ema, const SgdStep& s) {
  check_state("sgd", "parameter", parameter, parameter, false);
  check_gradient("sgd", parameter, grad);
  check_state("sgd", "momentum buffer", parameter, buffer, s.momentum == 0);
  check_state("sgd", "moving average", parameter, ema, true);
  visit_floating("sgd", parameter.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const bool plain = s.momentum == 0;  // without momentum, or with Nesterov's, the gradient itself takes part
    const SgdCoefficients<T> c = {
        .grad_scale = T(s.grad_scale),
        .l2 = T(s.weight_decay),
        .momentum = T(s.momentum),
        .undamped = T(s.first ? 1 : 1 - s.dampening),
        .lr_grad = T(plain || s.nesterov ? s.lr : 0),
        .lr_buffer = T(plain        ? 0
                       : s.nesterov ? s.lr * s.momentum
                                    : s.lr),
        .ema_decay = T(s.ema_decay),
        .ema_rest = T(1 - s.ema_decay),
    };
    if (s.first && !plain) fill(buffer, 0);
    const Tensor g = contiguous(grad);
    const auto loop = isa_kernels<OptimizerKernels>().loops(zero).sgd;
    run(
        parameter.numel(),
        [&](int64_t n, T* p, const T* gradient, T* velocity, T* average) {
          loop(n, p, gradient, velocity, average, c);
        },
        State<T>(parameter), Input<T>(g), State<T>(plain ? Tensor() : buffer), State<T>(ema));
  });
}

void rmsprop(const Tensor& parameter, const Tensor& grad, const Tensor& square_avg, const Tensor& grad_avg,
             const Tensor& buffer, const Tensor& ema, const RmspropStep& s) {
  check_state("rmsprop", "parameter", parameter, parameter, false);
  check_gradient("rmsprop", parameter, grad);
  check_state("rmsprop", "mean of squares", parameter, square_avg, false);
  check_state("rmsprop", "mean of gradients", parameter, grad_avg, true);
  check_state("rmsprop", "momentum buffer", parameter, buffer, s.momentum == 0);
  check_state("rmsprop", "moving average", parameter, ema, true);
  visit_floating("rmsprop", parameter.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const RmspropCoefficients<T> c = {
        .grad_scale = T(s.grad_scale),
        .l2 = T(s.weight_decay),
        .alpha = T(s.alpha),
        .alpha_rest = T(1 - s.alpha),
        .eps = T(s.eps),
        .momentum = T(s.momentum),
        .lr = T(s.lr),
        .ema_decay = T(s.ema_decay),
        .ema_rest = T(1 - s.ema_decay),
    };
    const Tensor g = contiguous(grad);
    const auto loop = isa_kernels<OptimizerKernels>().loops(zero).rmsprop;
    run(
        parameter.numel(),
        [&](int64_t n, T* p, const T* gradient, T* square, T* mean, T* velocity, T* average) {
          loop(n, p, gradient, square, mean, velocity, average, c);
        },
        State<T>(parameter), Input<T>(g), State<T>(square_avg), State<T>(grad_avg),
        State<T>(s.momentum == 0 ? Tensor() : buffer), State<T>(ema));
  });
}

void adagrad(const Tensor& parameter, const Tensor& grad, const Tensor& sum, const Tensor& ema, const AdagradStep& s) {
  check_state("adagrad", "parameter", parameter, parameter, false);
  check_gradient("adagrad", parameter, grad);
  check_state("adagrad", "sum of squares", parameter, sum, false);
  check_state("adagrad", "moving average", parameter, ema, true);
  visit_floating("adagrad", parameter.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const AdagradCoefficients<T> c = {
        .grad_scale = T(s.grad_scale),
        .l2 = T(s.weight_decay),
        .eps = T(s.eps),
        .lr = T(s.lr),
        .ema_decay = T(s.ema_decay),
        .ema_rest = T(1 - s.ema_decay),
    };
    const Tensor g = contiguous(grad);
    const auto loop = isa_kernels<OptimizerKernels>().loops(zero).adagrad;
    run(
        parameter.numel(),
        [&](int64_t n, T* p, const T* gradient, T* squares, T* average) { loop(n, p, gradient, squares, average, c); },
        State<T>(parameter), Input<T>(g), State<T>(sum), State<T>(ema));
  });
}

void ema_update(const Tensor& ema, const Tensor& x, double decay) {
  check_state("ema_update", "moving average", x, ema, false);
  visit_floating("ema_update", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Tensor source = contiguous(x);
    const auto loop = isa_kernels<OptimizerKernels>().loops(zero).average;
    run(
        x.numel(), [&](int64_t n, T* average, const T* value) { loop(n, average, value, T(decay), T(1 - decay)); },
        State<T>(ema), Input<T>(source));
  });
}

}  // namespace ditharos::kernels
