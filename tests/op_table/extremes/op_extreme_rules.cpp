#include "tests/op_table/extremes/op_extreme_rules.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <doctest/doctest.h>
#include "tests/op_table/op_inputs.h"

namespace ditharos::tests {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

/// Those above f32's range become infinities there.
const std::vector<double>& extremes() {
  static const std::vector<double> values = [] {
    std::vector<double> both{0.0, not_a_number};
    for (double size : {1e-310, 1e-40,  1e-30,  1e-20, 6.0,  9.0,  18.0,  40.0,  89.0,    100.0, 710.0,   1e4,     1e5,
                        1e10,   1.7e19, 1.9e19, 1e20,  1e25, 3e38, 1e100, 1e150, 1.4e154, 1e160, 1.7e308, infinity})
      both.push_back(size), both.push_back(-size);
    return both;
  }();
  return values;
}

bool contains(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

/// How closely the two rules of a row must agree.
struct Agreement {
  bool digits, infinities;  ///< else only in what is finite
  bool any_input;           ///< else of inputs that are finite and leave room for intermediate results

  /// Norms take differences of elements of such sizes, whose digits rounding decides, and of infinities, which are NaN
  /// in one order of additions and infinite in another, as cross-entropy does of infinite class weights. Attention's
  /// kernel lets NaN spread further than it has to.
  explicit Agreement(const Row& row)
      : digits(!contains(row.name, "norm") && !contains(row.name, "attention")),
        infinities(digits && row.name != "cross_entropy"), any_input(!contains(row.name, "attention")) {}

  bool takes(double value, DType dtype) const {
    const double largest = dtype == DType::f32 ? std::numeric_limits<float>::max() : std::numeric_limits<double>::max();
    if (digits) return true;
    return std::abs(value) < largest / 16 || (any_input && !(std::abs(value) <= largest));
  }

  bool operator()(double a, double b, double scale, double tolerance) const {
    if (!std::isfinite(a) || !std::isfinite(b)) {
      if (!infinities) return std::isfinite(a) == std::isfinite(b);
      return a == b || (std::isnan(a) && std::isnan(b));
    }
    return !digits || std::abs(a - b) <= tolerance * scale;
  }
};

class Comparison {
 public:
  explicit Comparison(const Row& row) : row_(row), agree_(row) {}

  /// `value` at one position of input `i`, or everywhere.
  void run(DType dtype, size_t i, double value, bool everywhere) {
    if (!agree_.takes(value, dtype)) return;
    const Layouts plain(row_.inputs.size(), Layout::contiguous);
    Tensors x = draw_leaves(row_, row_.cases[0], plain, dtype);
    if (x[i].numel() == 0) return;
    const Tensor extreme = full(x[i].shape(), value, dtype);
    if (everywhere) x[i] = extreme;
    else kernels::copy_into(reshape(x[i], {x[i].numel()}).slice(0, 0, 1), full({1}, value, dtype));
    x = as_parameters(row_, x);
    const Tensor y = row_.op(x), w = kernels::to(cotangent(y), y.dtype());
    const Tensors parameters = parameters_of(row_, x);
    const Tensors fused = grad({y}, parameters, {w}, {.retain_graph = true});
    const Tensors composite = grad({y}, parameters, {w}, {.create_graph = true});
    const double tolerance = dtype == DType::f32 ? 1e-4 : 1e-9;
    for (size_t k = 0; k < fused.size(); ++k) {
      const auto a = fused[k].to_vector<double>(), b = composite[k].to_vector<double>();
      double scale = 1;
      for (const auto& list : {a, b})
        for (double v : list) scale = std::max(scale, std::isfinite(v) ? std::abs(v) : 0);
      for (size_t j = 0; j < a.size(); ++j) {
        ++count_;
        if (agree_(a[j], b[j], scale, tolerance)) continue;
        const std::string where = ditharos::to_text(dtype) + (everywhere ? ", everywhere" : ", once") + " in input ";
        FAIL_CHECK(row_.name << ", " << value << " in " << where << i << ": gradient of parameter " << k << ", element "
                             << j << ", is " << a[j] << " by the first-order rule and " << b[j]
                             << " by the one with create_graph");
        return;
      }
    }
  }

  int64_t count() const { return count_; }

 private:
  const Row& row_;
  const Agreement agree_;
  int64_t count_ = 0;
};

}  // namespace

int64_t check_extreme_rules(const Row& row) {
  if (row.order == 0 || row.name.rfind("linalg.", 0) == 0) return 0;  // LAPACK's refuse what is not finite
  Comparison comparison(row);
  for (DType dtype : {DType::f32, DType::f64})
    for (size_t i = 0; i < row.inputs.size(); ++i)
      for (double value : extremes()) {
        if (!row.inputs[i].floating()) continue;
        comparison.run(dtype, i, value, false);
        comparison.run(dtype, i, value, true);
      }
  return comparison.count();
}

}  // namespace ditharos::tests
