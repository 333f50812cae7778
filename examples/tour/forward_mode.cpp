// Step 23: tangents beside values, and both modes together.
#include <cstdio>

#include "examples/tour/show.h"
#include "examples/tour/tour.h"

namespace ditharos::tour {

void forward_mode() {
  const Tensor x = variable({1, 2, 3}, {3}), v = variable({1, 0, -1}, {3}).detach();
  {
    const DualLevel level;
    const Tensor y = pow(make_dual(x, v), 3);
    std::printf("value:   %s\n", text(y).c_str());
    std::printf("tangent: %s\n", text(tangent_of(y)).c_str());
  }
  const auto f = [](const std::vector<Tensor>& in) { return sum(pow(in[0], 3)); };
  const auto gradient = [&](const std::vector<Tensor>& in) { return vjp(f, in, {}, true).grads[0]; };
  std::printf("Hessian times v, forward over reverse: %s\n", text(jvp(gradient, {x}, {v}).tangent).c_str());
  const auto slope = [&](const std::vector<Tensor>& in) { return jvp(f, in, {v}, true).tangent; };
  std::printf("Hessian times v, reverse over forward: %s\n", text(vjp(slope, {x}).grads[0]).c_str());
}

}  // namespace ditharos::tour
