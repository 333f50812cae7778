#include <ditharos/tensor/kernels/recurrent/lstm.h>

#include <algorithm>
#include <type_traits>

#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/dispatch.h>
#include <ditharos/tensor/kernels/gemm/gemm.h>
#include <ditharos/tensor/kernels/gemm/linear.h>
#include <ditharos/tensor/kernels/gemm/packed_product.h>
#include <ditharos/tensor/kernels/recurrent/lstm_isa.h>
#include <ditharos/tensor/observer.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/tensor/view.h>

namespace ditharos::kernels {
namespace {

template <class T>
const LstmLoops<T>& lstm_loops() {
  if constexpr (std::is_same_v<T, float>) return isa_kernels<LstmKernels>().f32;
  else return isa_kernels<LstmKernels>().f64;
}

/// Rows of the batch that a task computes.
constexpr int64_t fewest_rows = 8;
int64_t rows_of_task(int64_t batch) { return std::clamp<int64_t>((batch + 1) / 2, fewest_rows, 32); }

/// The products of the steps with one matrix W [n, k], c [m, n] = a [m, k] W^T. Packed weights serve a tile of the
/// batch, which then runs over all steps on one thread. A few steps are not worth packing. A few rows and large weights
/// leave threads to the columns of each product.
template <class T>
class StepProduct {
 public:
  /// `weight` is contiguous and outlives this.
  StepProduct(const Tensor& weight, int64_t steps, int64_t batch)
      : n_(weight.size(0)), k_(weight.size(1)), batch_(batch), weight_(weight.data<T>()) {
    constexpr int64_t worth_packing = 6, large = 1 << 20;  // steps, weights
    if constexpr (std::is_same_v<T, float>) {
      const bool wanted = steps >= worth_packing && (batch > fewest_rows || n_ * k_ < large);
      if (!wanted || n_ < 1 || k_ < 1) return;
      packed_ = pack<FloatProduct>(weight_, n_, k_);
      count_flops(2.0 * double(steps) * double(batch) * double(n_) * double(k_));
    }
  }

  /// body(first row, rows) for the tiles of the batch.
  void for_each_tile(FunctionRef<void(int64_t first, int64_t rows)> body) const {
    if (!packed_) return body(0, batch_);
    const int64_t tile = rows_of_task(batch_);
    parallel_tasks((batch_ + tile - 1) / tile,
                   [&](int64_t task) { body(task * tile, std::min(tile, batch_ - task * tile)); });
  }

  void run(int64_t m, const T* a, T* c) const {
    if constexpr (std::is_same_v<T, float>)
      if (packed_) return packed_->run(m, a, c, nullptr);
    Gemm<T> g;
    g.m = m, g.n = n_, g.k = k_;
    g.a = a, g.lda = std::max<int64_t>(k_, 1);
    g.b = weight_, g.ldb = std::max<int64_t>(k_, 1), g.transpose_b = true;
    g.c = c, g.ldc = std::max<int64_t>(n_, 1);
    gemm(g);
  }

 private:
  int64_t n_, k_, batch_;
  const T* weight_;
  PackedProductPtr<FloatProduct> packed_;
};

/// body(begin, end) over the rows of a tile, of n cells each.
void in_rows(int64_t rows, int64_t n, FunctionRef<void(int64_t begin, int64_t end)> body) {
  parallel_for(rows, 1 + 2048 / std::max<int64_t>(n, 1), body);
}

template <class T>
void run_forward(const Tensor& input, const Tensor& h, const Tensor& c, const Tensor& weight, bool reverse,
                 const Tensor& out, const LstmStates* states) {
  const int64_t steps = input.size(0), batch = h.size(0), n = h.size(1);
  const StepProduct<T> product(weight, steps, batch);
  const T *inputs = input.data<T>(), *first_h = h.data<T>(), *first_c = c.data<T>();
  T* hidden = out.mutable_data<T>();
  // Without `states` there is room for the gates of one step, and the cells are those of the result.
  const Tensor room = states ? states->gates : Tensor({batch, 4 * n}, input.dtype());
  T *gates = room.mutable_data<T>(), *last_c = hidden + steps * batch * n;
  T* cells = states ? states->cells.mutable_data<T>() : last_c;
  product.for_each_tile([&](int64_t first, int64_t rows) {
    const T *before_h = first_h + first * n, *before_c = first_c + first * n;
    for (int64_t k = 0; k < steps; ++k) {
      const int64_t t = reverse ? steps - 1 - k : k, at = (t * batch + first) * n, kept = states ? at : first * n;
      product.run(rows, before_h, gates + 4 * kept);
      in_rows(rows, n, [&](int64_t begin, int64_t end) {
        const int64_t r = begin * n;
        lstm_loops<T>().forward(end - begin, n, inputs + 4 * (at + r), gates + 4 * (kept + r), before_c + r,
                                cells + kept + r, hidden + at + r);
      });
      before_h = hidden + at, before_c = cells + kept;
    }
    if (states) std::copy_n(before_c, rows * n, last_c + first * n);
  });
}

template <class T>
void run_backward(const Tensor& grad, const LstmStates& states, const Tensor& c, const Tensor& transposed_weight,
                  bool reverse, const LstmGradients& out) {
  const int64_t steps = grad.size(0) - 1, batch = c.size(0), n = c.size(1);
  const StepProduct<T> product(transposed_weight, steps, batch);
  const T *grads = grad.data<T>(), *first_c = c.data<T>();
  const T *gates = states.gates.data<T>(), *cells = states.cells.data<T>();
  T *dgates = out.input.mutable_data<T>(), *dhs = out.h.mutable_data<T>(), *dcs = out.c.mutable_data<T>();
  product.for_each_tile([&](int64_t first, int64_t rows) {
    T *dh = dhs + first * n, *dc = dcs + first * n;
    std::fill_n(dh, rows * n, T(0));
    std::copy_n(grads + (steps * batch + first) * n, rows * n, dc);
    for (int64_t k = steps - 1; k >= 0; --k) {
      const int64_t t = reverse ? steps - 1 - k : k, at = (t * batch + first) * n;
      const int64_t before = ((reverse ? t + 1 : t - 1) * batch + first) * n;
      const T* before_c = k > 0 ? cells + before : first_c + first * n;
      in_rows(rows, n, [&](int64_t begin, int64_t end) {
        const int64_t r = begin * n;
        lstm_loops<T>().backward(end - begin, n, grads + at + r, dh + r, gates + 4 * (at + r), before_c + r,
                                 cells + at + r, dc + r, dgates + 4 * (at + r));
      });
      product.run(rows, dgates + 4 * at, dh);
    }
  });
}

}  // namespace

Tensor lstm(const Tensor& input, const Tensor& h, const Tensor& c, const Tensor& weight, bool reverse,
            LstmStates* states) {
  const int64_t steps = input.size(0), batch = h.size(0), n = h.size(1);
  const Tensor out({steps + 1, batch, n}, input.dtype());
  if (states) *states = {Tensor(input.shape(), input.dtype()), Tensor({steps, batch, n}, input.dtype())};
  visit_floating("lstm_steps", input.dtype(), [&](auto zero) {
    run_forward<decltype(zero)>(contiguous(input), contiguous(h), contiguous(c), contiguous(weight), reverse, out,
                                states);
  });
  return out;
}

LstmGradients lstm_backward(const Tensor& grad, const Tensor& out, const LstmStates& states, const Tensor& h,
                            const Tensor& c, const Tensor& weight, bool reverse, bool wants_weight) {
  const int64_t steps = grad.size(0) - 1;
  const DType dtype = grad.dtype();
  LstmGradients result{Tensor(states.gates.shape(), dtype), Tensor(h.shape(), dtype), Tensor(c.shape(), dtype), {}};
  visit_floating("lstm_steps", dtype, [&](auto zero) {
    run_backward<decltype(zero)>(contiguous(grad), states, contiguous(c), contiguous(views::transpose(weight, 0, 1)),
                                 reverse, result);
  });
  if (!wants_weight) return result;
  // The step of each time read h of the step before it, which is at the time before or after; the first one read h.
  const auto times = [](const Tensor& x, int64_t begin, int64_t end) { return views::slice(x, 0, begin, end, 1); };
  const int64_t rest = steps - 1;
  result.weight = reverse ? linear_backward_weight(times(result.input, 0, rest), times(out, 1, steps))
                          : linear_backward_weight(times(result.input, 1, steps), times(out, 0, rest));
  const int64_t first = reverse ? rest : 0;
  accumulate_linear_backward_weight(times(result.input, first, first + 1), h, result.weight);
  return result;
}

}  // namespace ditharos::kernels
