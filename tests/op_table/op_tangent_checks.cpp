#include "tests/op_table/op_tangent_checks.h"

#include <algorithm>
#include <cmath>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/forward_mode.h>
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>
#include <doctest/doctest.h>
#include "tests/op_table/op_inputs.h"

namespace ditharos::tests {
namespace {

/// One row's checks for one case and one choice of layouts.
class TangentSetting {
 public:
  TangentSetting(const Row& row, const Case& shapes, const Layouts& layouts, int64_t& count)
      : row_(row), shapes_(shapes), layouts_(layouts), count_(count),
        leaves_(draw_leaves(row, shapes, layouts, DType::f64)) {
    Generator rng(5);
    for (const Tensor& x : leaves_)
      directions_.push_back(is_floating(x.dtype()) ? rng.normal(x.shape(), DType::f64) : Tensor{});
  }

  void first_order() {
    const Tensors x = as_parameters(row_, leaves_);
    const Tensor y = call(x), w = weight(y);
    const Tensors grads = grad({y}, parameters_of(row_, x), {w});
    double want = 0, scale = 0;
    for (size_t i = 0, k = 0; i < leaves_.size(); ++i) {
      if (!directions_[i].defined()) continue;
      const Tensor product = grads[k++] * directions_[i];
      want += sum(product).item();
      scale += sum(abs(product)).item();
    }
    const Tensor fast = tangent(false), recorded = tangent(true);
    near(dot(w, fast), want, scale, "kernels");
    near(dot(w, recorded), want, scale, "recorded");
    Tensor parts;  // of one input's tangent at a time
    for (size_t i = 0; i < leaves_.size(); ++i) {
      if (!directions_[i].defined()) continue;
      const Tensor part = tangent(false, i);
      parts = parts.defined() ? parts + part : part;
      near(dot(w, part), dot(w, tangent(true, i)), scale, "kernels and recorded, one input");
    }
    near(dot(w, parts), want, scale, "the sum over the inputs");
  }

  void second_order() {
    const Tensors rr = reverse_over_reverse(), fr = forward_over_reverse(), rf = reverse_over_forward();
    for (size_t i = 0; i < rr.size(); ++i) {
      near(rr[i], fr[i], "forward over reverse, input " + std::to_string(i));
      near(rr[i], rf[i], "reverse over forward, input " + std::to_string(i));
    }
  }

 private:
  Tensor call(const Tensors& x) const { return row_.op(lay_out(x, shapes_, layouts_)); }
  static Tensor weight(const Tensor& y) { return to(cotangent(y), y.dtype()); }
  static double dot(const Tensor& a, const Tensor& b) { return sum(to(a * b, DType::f64)).item(); }

  static constexpr size_t all = size_t(-1);
  Tensors duals(const Tensors& x, size_t alone = all) const {
    Tensors out = x;
    for (size_t i = 0; i < x.size(); ++i)
      if (directions_[i].defined() && (alone == all || alone == i)) out[i] = make_dual(x[i], directions_[i]);
    return out;
  }
  static Tensor tangent_or_zeros(const Tensor& y) {
    const Tensor t = tangent_of(y);
    return t.defined() ? t : zeros(y.shape(), y.dtype());
  }

  Tensor tangent(bool recorded, size_t alone = all) const {
    const GradMode recording(recorded);
    const DualLevel level;
    const Tensors x = recorded ? as_parameters(row_, leaves_) : leaves_;
    return tangent_or_zeros(call(duals(x, alone))).detach();
  }

  // H v of <w, f(x)>, three times; its size does not tell a factor in w from one in f, so w is the same.
  Tensors reverse_over_reverse() const {
    const Tensors x = as_parameters(row_, leaves_), p = parameters_of(row_, x);
    const Tensor y = call(x);
    const Tensors grads = grad({y}, p, {weight(y)}, {.create_graph = true});
    Tensor product;
    for (size_t i = 0, k = 0; i < x.size(); ++i) {
      if (!directions_[i].defined()) continue;
      const Tensor one = sum(grads[k++] * directions_[i]);
      product = product.defined() ? product + one : one;
    }
    return gradient_or_zeros(product, p);
  }
  Tensors reverse_over_forward() const {
    const DualLevel level;
    const Tensors x = as_parameters(row_, leaves_);
    const Tensor y = call(duals(x)), t = tangent_or_zeros(y);
    return gradient_or_zeros(sum(weight(y) * t), parameters_of(row_, x));
  }
  Tensors forward_over_reverse() const {
    const DualLevel level({.record_tangents = false});
    const Tensors x = as_parameters(row_, leaves_), d = duals(x);
    const Tensor y = call(d);
    Tensors products;
    for (const Tensor& g : grad({y}, parameters_of(row_, d), {weight(y)})) products.push_back(tangent_or_zeros(g));
    return products;
  }
  static Tensors gradient_or_zeros(const Tensor& y, const Tensors& x) {
    if (y.requires_grad()) return grad({y}, x);
    Tensors zero;
    for (const Tensor& one : x) zero.push_back(zeros_like(one));
    return zero;
  }

  void near(double got, double want, double scale, const std::string& what) {
    ++count_;
    const double tolerance = row_.tangent_tolerance * std::max(scale, 1.0);
    if (!(std::abs(got - want) <= tolerance))
      FAIL_CHECK(row_.name << " " << to_text(shapes_) << " (" << to_text(layouts_) << "), " << what << ": <w, J v> is "
                           << got << ", <J^T w, v> " << want);
  }
  void near(const Tensor& want, const Tensor& got, const std::string& what) {
    ++count_;
    const bool same_shape = got.shape() == want.shape();
    const std::vector<double> a = want.to_vector<double>(), b = got.to_vector<double>();
    double scale = 1, worst = 0;
    for (double v : a) scale = std::max(scale, std::abs(v));
    for (size_t i = 0; same_shape && i < a.size(); ++i)
      if (const double error = std::abs(a[i] - b[i]) / scale; !(error <= worst))
        worst = std::isnan(error) ? INFINITY : error;
    if (!same_shape || !(worst <= 100 * row_.tangent_tolerance))
      FAIL_CHECK(row_.name << " " << to_text(shapes_) << ", " << what << ": differs from reverse over reverse by "
                           << worst);
  }

  const Row& row_;
  const Case& shapes_;
  const Layouts& layouts_;
  int64_t& count_;
  Tensors leaves_, directions_;
};

}  // namespace

int64_t check_tangents(const Row& row) {
  if (row.order == 0) return 0;
  int64_t count = 0;
  const auto run = [&](const Case& shapes, const auto& check) {
    try {
      check();
    } catch (const std::exception& e) {
      FAIL_CHECK(row.name << " " << to_text(shapes) << ", tangents: threw " << std::string(e.what()));
    }
  };
  for (const Case& shapes : row.cases)
    for (const Layouts& layouts : layouts_for(shapes.size())) {
      TangentSetting setting(row, shapes, layouts, count);
      run(shapes, [&] { setting.first_order(); });
      if (row.order >= 2) run(shapes, [&] { setting.second_order(); });
    }
  return count;
}

}  // namespace ditharos::tests
