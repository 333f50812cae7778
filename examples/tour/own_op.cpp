// Steps 16 and 17: a custom operation, and how gradcheck finds a wrong one.
#include <cstdio>

#include "examples/tour/show.h"
#include "examples/tour/tour.h"

namespace ditharos::tour {
namespace {

/// log cosh(x) = softplus(2x) - x - log 2, which never overflows; its derivative is tanh(x).
Tensor log_cosh(const Tensor& x) {
  const auto value = [&] {
    const NoGrad off;
    return softplus(x * 2.0) - x - 0.69314718055994531;
  }();
  return record("log_cosh", value, {x}, save_inputs,
                each([](const Backward& d) { return d.grad() * tanh(d.input(0)); }), elementwise);
}

/// The same with a mistake in its derivative: 1.01 tanh(x).
Tensor wrong_log_cosh(const Tensor& x) {
  static const Function op = {"wrong_log_cosh", [](const Function::Tensors& in) { return log_cosh(in[0]); },
                              [](const Function::Tensors& in, const Tensor&, const Tensor& g) -> Function::Tensors {
                                return {g * tanh(in[0]) * 1.01};
                              }};
  return op({x});
}

}  // namespace

void own_op() {
  const Tensor x = variable({-1, 0, 2}, {3});
  const Tensor y = log_cosh(x);
  std::printf("log cosh:   %s\n", text(y).c_str());
  std::printf("derivative: %s\n", text(grad(sum(y), x)).c_str());
  const auto checked = gradcheck([](const auto& in) { return log_cosh(in[0]); }, {random({2, 3}, 1)}, {.order = 3});
  std::printf("right to the third order: %s\n", checked.ok ? "yes" : checked.message.c_str());
}

void wrong_rule() {
  const auto checked =
      gradcheck([](const auto& in) { return in[0] * wrong_log_cosh(in[1]); }, {random({2, 3}, 1), random({2, 3}, 2)});
  const std::string& message = checked.message;
  std::printf("ok: %s\n", yes_or_no(checked.ok));
  std::printf("%s ...%s\n", message.substr(0, message.find(':')).c_str(), message.substr(message.rfind(';')).c_str());
}

}  // namespace ditharos::tour
