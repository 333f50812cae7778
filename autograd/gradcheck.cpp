#include <ditharos/autograd/gradcheck.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/io/number_text.h>
#include <ditharos/tensor/kernels/pointwise/pointwise.h>
#include <ditharos/tensor/kernels/reduce/reduce.h>
#include <ditharos/tensor/random.h>

namespace ditharos {
namespace {

using kernels::Binary;
using kernels::Unary;
using Tensors = std::vector<Tensor>;
using VectorFunction = std::function<Tensors(const Tensors&)>;

bool is_variable(const Tensor& x) { return x.defined() && x.dtype() == DType::f64; }

Tensor scaled(const Tensor& x, double factor) { return kernels::unary(Unary::mul_scalar, x, factor); }

/// Random numbers in [-1, 1) for every variable, undefined for the rest.
Tensors random_like(const Tensors& tensors, Generator& rng) {
  Tensors out;
  for (const Tensor& x : tensors)
    out.push_back(is_variable(x) ? kernels::unary(Unary::add_scalar, scaled(rng.uniform(x.shape(), DType::f64), 2), -1)
                                 : Tensor{});
  return out;
}

/// Sum over all tensors of a_i b_i, or of |a_i b_i|. Undefined tensors are zero.
double dot(const Tensors& a, const Tensors& b, bool absolute = false) {
  double total = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!a[i].defined() || !b[i].defined()) continue;
    const Tensor product = kernels::binary(Binary::mul, a[i], b[i]);
    total += kernels::sum(absolute ? kernels::unary(Unary::abs, product) : product, {}, false).item();
  }
  return total;
}

double sum_of_magnitudes(const Tensors& tensors) {
  double total = 0;
  for (const Tensor& x : tensors)
    if (x.defined()) total += kernels::sum(kernels::unary(Unary::abs, x), {}, false).item();
  return total;
}

/// x + t u; a variable that u leaves out stays as it is.
Tensors moved(const Tensors& x, const Tensors& u, double t) {
  Tensors out = x;
  for (size_t i = 0; i < x.size(); ++i)
    if (u[i].defined()) out[i] = kernels::binary(Binary::add, x[i], scaled(u[i], t));
  return out;
}

/// The variables as fresh leaves.
Tensors as_leaves(const Tensors& x) {
  Tensors out = x;
  for (Tensor& t : out)
    if (is_variable(t)) t = t.detach().set_requires_grad();
  return out;
}

/// Gradients of <w, f(x)> with respect to the variables of x; undefined for the rest.
Tensors weighted_grad(const Tensors& outputs, const Tensors& w, const Tensors& x, bool create_graph) {
  Tensors differentiable, weights, wanted, out(x.size());
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (!outputs[i].defined() || !outputs[i].requires_grad()) continue;  // constant: contributes nothing
    differentiable.push_back(outputs[i]);
    weights.push_back(w[i]);
  }
  for (const Tensor& t : x)
    if (is_variable(t)) wanted.push_back(t);
  Tensors found;
  if (!differentiable.empty()) found = grad(differentiable, wanted, weights, {.create_graph = create_graph});
  else
    for (const Tensor& t : wanted) found.push_back(zeros_like(t));
  size_t next = 0;
  for (size_t i = 0; i < x.size(); ++i)
    if (is_variable(x[i])) out[i] = found[next++];
  return out;
}

/// The function (x, w) -> gradients of <w, f(x)>, as differentiable as f is. The first `count` arguments are x.
VectorFunction gradient_of(const VectorFunction& f, size_t count) {
  return [f, count](const Tensors& arguments) {
    Tensors x(arguments.begin(), arguments.begin() + std::ptrdiff_t(count));
    const Tensors w(arguments.begin() + std::ptrdiff_t(count), arguments.end());
    for (Tensor& t : x)
      if (is_variable(t) && !t.requires_grad()) t = t.detach().set_requires_grad();
    return weighted_grad(f(x), w, x, true);
  };
}

/// d/dt <w, f(x + t u)> at t = 0.
double difference_quotient(const VectorFunction& f, const Tensors& x, const Tensors& u, const Tensors& w, double h) {
  const auto value = [&](double t) { return dot(w, f(moved(x, u, t))); };
  return (8 * (value(h) - value(-h)) - (value(2 * h) - value(-2 * h))) / (12 * h);
}

struct Comparison {
  double analytic, numeric, error;
};

/// The directional derivative of one order, through the variables that u moves.
Comparison compare(const VectorFunction& f, const Tensors& x, const Tensors& grads, const Tensors& u, const Tensors& w,
                   double magnitude, double step) {
  Comparison c{};
  c.analytic = dot(grads, u);
  c.numeric = difference_quotient(f, x, u, w, step);
  const double scale = std::max(dot(grads, u, true), std::abs(c.numeric)) + 1e-4 * magnitude;
  const double difference = std::abs(c.analytic - c.numeric);
  c.error = difference == 0 ? 0 : difference / scale;
  if (!std::isfinite(c.error)) c.error = INFINITY;  // a NaN must not pass a comparison
  return c;
}

std::string describe(int order, const Comparison& c, double tolerance) {
  return "[gradcheck] order " + std::to_string(order) + ": the gradient gives " + general_text(c.analytic, 12) +
         " along a random direction, differences give " + general_text(c.numeric, 12) + " (relative error " +
         general_text(c.error, 2) + ", allowed " + general_text(tolerance, 2) + ")";
}

}  // namespace

GradcheckResult gradcheck(const std::function<Tensor(const Tensors&)>& f, const Tensors& inputs,
                          const GradcheckOptions& options) {
  for (size_t i = 0; i < inputs.size(); ++i)
    check<DTypeError>(!inputs[i].defined() || !is_floating(inputs[i].dtype()) || inputs[i].dtype() == DType::f64,
                      "[gradcheck] input ", i, " must be f64, got ",
                      inputs[i].defined() ? inputs[i].dtype() : DType::f64,
                      ": differences of shorter numbers show nothing");
  GradMode recording(true);
  Generator rng(options.seed);
  GradcheckResult result;
  VectorFunction function = [&f](const Tensors& x) { return Tensors{f(x)}; };
  Tensors x = inputs;
  for (int order = 1; order <= options.order; ++order) {
    const Tensors leaves = as_leaves(x), outputs = function(leaves);
    check<DTypeError>(order > 1 || is_variable(outputs[0]), "[gradcheck] the function must return an f64 tensor");
    const Tensors w = random_like(outputs, rng), u = random_like(x, rng);
    const Tensors grads = weighted_grad(outputs, w, leaves, false);
    const double magnitude = dot(w, outputs, true) + sum_of_magnitudes(w);
    const Comparison all = compare(function, x, grads, u, w, magnitude, options.step);
    result.error = std::max(result.error, all.error);
    if (!(all.error <= options.tolerance)) {
      result.ok = false;
      result.message = describe(order, all, options.tolerance);
      for (size_t i = 0; i < x.size(); ++i) {
        Tensors only(x.size());
        only[i] = u[i];
        if (u[i].defined() && compare(function, x, grads, only, w, magnitude, options.step).error > options.tolerance)
          result.message += "; wrong for input " + std::to_string(i);
      }
      return result;
    }
    function = gradient_of(function, x.size());
    x.insert(x.end(), w.begin(), w.end());
  }
  return result;
}

}  // namespace ditharos
