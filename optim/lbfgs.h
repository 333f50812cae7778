#pragma once
// L-BFGS, for small problems whose loss is computed from all data.
#include <cstdint>
#include <functional>
#include <vector>

#include <ditharos/nn/module.h>

namespace ditharos::optim {

enum class LineSearch { none, strong_wolfe };

struct LbfgsOptions {
  int64_t max_iter = 20;           ///< iterations of a step
  int64_t max_eval = 0;            ///< evaluations of the loss by a step; 0: 5/4 of max_iter
  double tolerance_grad = 1e-7;    ///< a step ends when no element of the gradient is larger
  double tolerance_change = 1e-9;  ///< a step ends when neither loss nor parameters change by more
  int64_t history_size = 100;      ///< pairs of vectors, each of the size of all parameters
  LineSearch line_search = LineSearch::none;
};

/// Limited-memory BFGS (Nocedal 1980; Nocedal and Wright 2006, algorithms 7.4 and 7.5), as torch.optim.LBFGS: the
/// direction is the gradient times an approximation of the inverse Hessian, from the changes of the last gradients.
///
///   optim::Lbfgs optimizer(nn::named_parameters(model), {.line_search = optim::LineSearch::strong_wolfe});
///   const auto closure = [&] {
///     optimizer.zero_grad();
///     const Tensor loss = mse_loss(model(x), y);
///     loss.backward();
///     return loss;
///   };
///   for (int i = 0; i < 10; ++i) optimizer.step(closure);
///
/// It is no Optimizer: a step evaluates the loss several times, and its state belongs to all parameters together. So
/// there are no groups, and averages are updated by Ema::update().
class Lbfgs {
 public:
  /// ConfigError for an option out of range; otherwise as Optimizer, and DTypeError for parameters of several dtypes.
  explicit Lbfgs(const nn::NamedTensors& parameters, const LbfgsOptions& options = {});
  Lbfgs(const Lbfgs&) = delete;
  Lbfgs& operator=(const Lbfgs&) = delete;

  /// The parameters that it trains, each tensor once.
  const nn::NamedTensors& parameters() const { return parameters_; }
  /// Drops the gradients.
  void zero_grad();
  /// Up to max_iter iterations. `closure` drops the gradients, computes the loss, calls backward() and returns the
  /// loss. lr > 0 multiplies each step, or is the length that a line search tries first. Returns the loss before the
  /// step. Error when that or its gradient is not finite; parameters and state are then unchanged, as when `closure`
  /// throws.
  double step(const std::function<Tensor()>& closure, double lr = 1);

  /// The state for resuming, under the names of PyTorch's; copies. The number of rows of "old_dirs" and "old_stps" is
  /// that of the stored pairs.
  nn::NamedTensors state() const;
  /// Takes over such a list. ShapeError or DTypeError, and nothing has changed, when it does not fit.
  void load_state(const nn::NamedTensors& state);

 private:
  struct Pair {
    Tensor gradients, steps;  // changes of them, y and s
    double rho;               // 1 / (y s)
  };
  struct State {
    int64_t n_iter = 0, func_evals = 0;
    double t = 0, h_diag = 1;
    Tensor d, prev_flat_grad;  // [N]; undefined before the first iteration
    std::vector<Pair> pairs;
  };
  struct Evaluation {
    double loss;
    Tensor grad;  // [N]
  };
  double iterate(const std::function<Tensor()>& closure, double lr, State& s);
  void update_direction(State& s, const Tensor& grad) const;
  Evaluation evaluate(const std::function<Tensor()>& closure, State& s) const;
  Tensor gather_parameters() const;
  Tensor gather_gradients() const;
  void scatter(const Tensor& flat) const;

  nn::NamedTensors parameters_;
  LbfgsOptions options_;
  int64_t elements_ = 0;
  State state_;
};

}  // namespace ditharos::optim
