#pragma once
// Compares the derivatives of a function with difference quotients, to any order, for operations of the library and for
// custom ones.
//
//   const GradcheckResult r = gradcheck([](const std::vector<Tensor>& x) { return my_op(x[0], x[1]); }, {a, b});
//   if (!r.ok) ... r.message ...
#include <functional>
#include <string>
#include <vector>

#include <ditharos/tensor/tensor.h>

namespace ditharos {

struct GradcheckOptions {
  int order = 2;            ///< the highest derivative to check; all below are checked too
  double step = 1e-3;       ///< of the differences; the inputs move by up to twice as much
  double tolerance = 1e-7;  ///< largest relative error
  uint64_t seed = 1;        ///< of the random direction and the random cotangent
};

struct GradcheckResult {
  bool ok = true;
  double error = 0;     ///< largest relative error of all orders
  std::string message;  ///< what is wrong, and in which input; empty when ok
};

/// Compares <grad, u>, the derivative along a random direction u through all f64 inputs at once, with the difference
/// quotient of <w, f(x)> for a random cotangent w. (With a plain sum instead of w, the gradient of a softmax would be
/// zero.) Order n + 1 does the same for the gradient of order n as a function of its inputs and cotangents.
///
/// The quotient is (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12h, whose error is of order h^4. The error is relative to
/// the sum of |grad_i u_i| plus 1e-4 of the sum of |w_i| (1 + |f_i|), which is the scale of the quotient's rounding
/// error.
///
/// f must be smooth within two steps of the inputs (no kinks, no ties). Integer, boolean and undefined inputs are
/// passed on unchanged. Throws DTypeError for f32, bf16 and f16 inputs, whose rounding would hide errors, and what f
/// throws.
[[nodiscard]] GradcheckResult gradcheck(const std::function<Tensor(const std::vector<Tensor>&)>& f,
                                        const std::vector<Tensor>& inputs, const GradcheckOptions& options = {});

}  // namespace ditharos
