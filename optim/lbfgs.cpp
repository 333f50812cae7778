#include <ditharos/optim/lbfgs.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <ditharos/autograd/autocast.h>
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/optim/line_search.h>
#include <ditharos/optim/parameter_group.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/pointwise/pointwise.h>
#include <ditharos/tensor/view.h>

namespace ditharos::optim {
namespace {

/// Arithmetic on the vectors of a step: nothing is recorded, and nothing is rounded to bf16.
struct VectorScope {
  NoGrad no_grad;
  Autocast full{DType::f32};
};

double product(const Tensor& a, const Tensor& b) {
  const VectorScope scope;
  return sum(a * b).item();
}
double largest(const Tensor& x) {
  const VectorScope scope;
  return amax(abs(x)).item();
}
/// a + factor * b
Tensor moved(const Tensor& a, double factor, const Tensor& b) {
  const VectorScope scope;
  return a + factor * b;
}
Tensor scaled(double factor, const Tensor& x) {
  const VectorScope scope;
  return factor * x;
}

}  // namespace

Lbfgs::Lbfgs(const nn::NamedTensors& parameters, const LbfgsOptions& options) : options_(options) {
  check<ConfigError>(options.max_iter >= 1, "[lbfgs] max_iter must be at least 1, got ", options.max_iter);
  check<ConfigError>(options.max_eval >= 0, "[lbfgs] max_eval must be at least 0, got ", options.max_eval);
  check<ConfigError>(options.history_size >= 1, "[lbfgs] history_size must be at least 1, got ", options.history_size);
  for (const double tolerance : {options.tolerance_grad, options.tolerance_change})
    check<ConfigError>(std::isfinite(tolerance) && tolerance >= 0, "[lbfgs] a tolerance must be a number >= 0, got ",
                       tolerance);
  if (options.max_eval == 0) options_.max_eval = options.max_iter * 5 / 4;
  std::unordered_set<std::string> names;
  std::unordered_set<const TensorImpl*> seen;
  for (const nn::NamedTensor& parameter : parameters) {
    check_trainable(parameter);
    const auto& [name, tensor] = parameter;
    check<ConfigError>(names.insert(name).second, "[lbfgs] two parameters are named \"", name, "\"");
    if (!seen.insert(tensor.impl()).second) continue;
    parameters_.push_back(parameter);
    check<DTypeError>(tensor.dtype() == parameters_[0].tensor.dtype(), "[lbfgs] parameter \"", name, "\" is ",
                      tensor.dtype(), ", but \"", parameters_[0].name, "\" is ", parameters_[0].tensor.dtype());
    elements_ += tensor.numel();
  }
  check<ConfigError>(elements_ > 0, "[lbfgs] there is no parameter to train");
}

void Lbfgs::zero_grad() {
  for (const auto& [name, tensor] : parameters_) tensor.set_grad({});
}

double Lbfgs::step(const std::function<Tensor()>& closure, double lr) {
  check<ConfigError>(std::isfinite(lr) && lr > 0, "[lbfgs] the learning rate must be a number > 0, got ", lr);
  const Tensor start = gather_parameters();
  State next = state_;
  try {
    const double loss = iterate(closure, lr, next);
    state_ = std::move(next);
    return loss;
  } catch (...) {
    scatter(start);
    throw;
  }
}

double Lbfgs::iterate(const std::function<Tensor()>& closure, double lr, State& s) {
  const int64_t evaluations_before = s.func_evals;
  const Evaluation at_start = evaluate(closure, s);
  double loss = at_start.loss;
  Tensor grad = at_start.grad;
  check(std::isfinite(loss), "[lbfgs] the loss is ", loss, "; nothing was updated");
  for (const auto& [name, tensor] : parameters_)
    check(!tensor.grad().defined() || kernels::all_finite(tensor.grad()), "[lbfgs] the gradient of \"", name,
          "\" has NaN or infinite elements; nothing was updated");
  const double first_loss = loss;
  if (largest(grad) <= options_.tolerance_grad) return first_loss;

  for (int64_t iteration = 1;; ++iteration) {
    ++s.n_iter;
    update_direction(s, grad);
    s.prev_flat_grad = grad;
    const double previous_loss = loss, slope = product(grad, s.d);
    s.t = lr;
    if (s.n_iter == 1) {
      const VectorScope scope;
      s.t *= std::min(1.0, 1 / sum(abs(grad)).item());
    }
    if (slope > -options_.tolerance_change) break;

    const Tensor x = gather_parameters();
    if (options_.line_search == LineSearch::strong_wolfe) {
      const auto at = [&](double step) {
        scatter(moved(x, step, s.d));
        const Evaluation there = evaluate(closure, s);
        if (std::isfinite(there.loss) && kernels::all_finite(there.grad))
          return LinePoint{step, there.loss, product(there.grad, s.d), there.grad};
        return LinePoint{step, INFINITY, NAN, there.grad};  // too far: a shorter step is tried
      };
      const int64_t left = options_.max_eval - (s.func_evals - evaluations_before);
      const LineSearchResult found = strong_wolfe(at, {0, loss, slope, grad}, s.t, largest(s.d), left);
      s.t = found.point.step, loss = found.point.value, grad = found.point.grad;
      scatter(moved(x, s.t, s.d));
    } else {
      scatter(moved(x, s.t, s.d));
      if (iteration == options_.max_iter) break;  // the next step computes loss and gradient
      const Evaluation there = evaluate(closure, s);
      loss = there.loss, grad = there.grad;
    }
    if (iteration == options_.max_iter || s.func_evals - evaluations_before >= options_.max_eval) break;
    if (largest(grad) <= options_.tolerance_grad) break;
    if (std::abs(s.t) * largest(s.d) <= options_.tolerance_change) break;
    if (std::abs(loss - previous_loss) < options_.tolerance_change) break;
  }
  return first_loss;
}

/// Stores the change of the last step, and multiplies the gradient by the approximate inverse Hessian.
void Lbfgs::update_direction(State& s, const Tensor& grad) const {
  if (s.n_iter == 1) {
    s.d = scaled(-1, grad);
    return;
  }
  const Tensor y = moved(grad, -1, s.prev_flat_grad), step = scaled(s.t, s.d);
  const double ys = product(y, step);
  if (ys > 1e-10) {  // otherwise the approximation would not stay positive definite
    if (int64_t(s.pairs.size()) == options_.history_size) s.pairs.erase(s.pairs.begin());
    s.pairs.push_back({y, step, 1 / ys});
    s.h_diag = ys / product(y, y);
  }
  Tensor direction = scaled(-1, grad);
  std::vector<double> alpha(s.pairs.size());
  for (size_t i = s.pairs.size(); i-- > 0;) {
    alpha[i] = s.pairs[i].rho * product(s.pairs[i].steps, direction);
    direction = moved(direction, -alpha[i], s.pairs[i].gradients);
  }
  direction = scaled(s.h_diag, direction);
  for (size_t i = 0; i < s.pairs.size(); ++i) {
    const double beta = s.pairs[i].rho * product(s.pairs[i].gradients, direction);
    direction = moved(direction, alpha[i] - beta, s.pairs[i].steps);
  }
  s.d = direction;
}

Lbfgs::Evaluation Lbfgs::evaluate(const std::function<Tensor()>& closure, State& s) const {
  const Tensor loss = closure();
  check<ShapeError>(loss.defined() && loss.numel() == 1, "[lbfgs] the closure must return the loss, one number, got ",
                    loss.defined() ? to_text(loss.shape()) : "an undefined tensor");
  ++s.func_evals;
  return {loss.item(), gather_gradients()};
}

Tensor Lbfgs::gather_parameters() const {
  Tensor flat({elements_}, parameters_[0].tensor.dtype());
  int64_t at = 0;
  for (const auto& [name, tensor] : parameters_) {
    kernels::copy_into(views::slice(flat, 0, at, at + tensor.numel(), 1), views::reshape(tensor, {tensor.numel()}));
    at += tensor.numel();
  }
  return flat;
}

/// Zeros for a parameter without a gradient.
Tensor Lbfgs::gather_gradients() const {
  const Tensor flat = zeros({elements_}, parameters_[0].tensor.dtype());
  int64_t at = 0;
  for (const auto& [name, tensor] : parameters_) {
    const Tensor grad = tensor.grad();
    if (grad.defined())
      kernels::copy_into(views::slice(flat, 0, at, at + tensor.numel(), 1),
                         views::reshape(kernels::contiguous(grad), {tensor.numel()}));
    at += tensor.numel();
  }
  return flat;
}

void Lbfgs::scatter(const Tensor& flat) const {
  int64_t at = 0;
  for (const auto& [name, tensor] : parameters_) {
    kernels::copy_into(views::reshape(tensor, {tensor.numel()}), views::slice(flat, 0, at, at + tensor.numel(), 1));
    at += tensor.numel();
  }
}

nn::NamedTensors Lbfgs::state() const {
  const DType dtype = parameters_[0].tensor.dtype();
  const auto vector = [&](const Tensor& x) { return x.defined() ? kernels::to(x, dtype) : zeros({elements_}, dtype); };
  const auto rows = int64_t(state_.pairs.size());
  const Tensor dirs({rows, elements_}, dtype), steps({rows, elements_}, dtype);
  for (int64_t i = 0; i < rows; ++i) {
    const auto row = [&](const Tensor& x) { return views::reshape(views::slice(x, 0, i, i + 1, 1), {elements_}); };
    kernels::copy_into(row(dirs), state_.pairs[size_t(i)].gradients);
    kernels::copy_into(row(steps), state_.pairs[size_t(i)].steps);
  }
  return {{"n_iter", scalar(double(state_.n_iter), DType::i64)},
          {"func_evals", scalar(double(state_.func_evals), DType::i64)},
          {"t", scalar(state_.t, DType::f64)},
          {"H_diag", scalar(state_.h_diag, DType::f64)},
          {"d", vector(state_.d)},
          {"prev_flat_grad", vector(state_.prev_flat_grad)},
          {"old_dirs", dirs},
          {"old_stps", steps}};
}

void Lbfgs::load_state(const nn::NamedTensors& given) {
  std::unordered_map<std::string, Tensor> values;
  for (const auto& [name, tensor] : given) values[name] = tensor;
  const nn::NamedTensors own = state();
  for (const auto& [name, tensor] : own) {
    const auto found = values.find(name);
    check<ShapeError>(found != values.end() && found->second.defined(), "the state of L-BFGS has no \"", name, "\"");
    Shape expected = tensor.shape();
    const Shape& shape = found->second.shape();
    if (name.starts_with("old_") && !shape.empty()) expected[0] = std::min(shape[0], options_.history_size);
    check<ShapeError>(shape == expected, "the state of L-BFGS does not fit: \"", name, "\" is of shape ", shape,
                      " instead of ", expected);
    check<DTypeError>(found->second.dtype() == tensor.dtype(), "the state of L-BFGS does not fit: \"", name, "\" is ",
                      found->second.dtype(), " instead of ", tensor.dtype());
  }
  check<ShapeError>(given.size() == own.size() && values.size() == own.size(), "the state of L-BFGS has ", own.size(),
                    " tensors, got ", given.size());
  check<ShapeError>(values["old_dirs"].shape() == values["old_stps"].shape(), "the state of L-BFGS has ",
                    values["old_dirs"].size(0), " \"old_dirs\" and ", values["old_stps"].size(0), " \"old_stps\"");
  State next;
  next.n_iter = int64_t(values["n_iter"].item());
  next.func_evals = int64_t(values["func_evals"].item());
  next.t = values["t"].item();
  next.h_diag = values["H_diag"].item();
  const auto copy = [](const Tensor& x) { return kernels::to(x, x.dtype()); };
  next.d = copy(values["d"]);
  next.prev_flat_grad = copy(values["prev_flat_grad"]);
  for (int64_t i = 0; i < values["old_dirs"].size(0); ++i) {
    const auto row = [&](const char* name) {
      return views::reshape(copy(views::slice(values[name], 0, i, i + 1, 1)), {elements_});
    };
    const Tensor y = row("old_dirs"), step = row("old_stps");
    next.pairs.push_back({y, step, 1 / product(y, step)});
  }
  state_ = std::move(next);
}

}  // namespace ditharos::optim
