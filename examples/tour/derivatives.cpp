// Steps 1 to 8: derivatives, and how the engine computes them.
#include <cmath>
#include <cstdio>
#include <map>

#include <ditharos/tensor/io/number_text.h>
#include "examples/tour/show.h"
#include "examples/tour/tour.h"

namespace ditharos::tour {

void one_variable() {
  const Tensor x = variable(3);
  const Tensor y = x * x;
  y.backward();
  std::printf("y     = %s\ndy/dx = %s\n", text(y).c_str(), text(x.grad()).c_str());
}

void the_graph() {
  const Tensor x = variable(2);
  const Tensor y = sin(x * x) * x;
  const auto nodes = nodes_of(y);  // newest first
  for (size_t i = 0; i < nodes.size(); ++i) {
    const Node& node = *nodes[i];
    if (node.leaf.defined()) {
      std::printf("%s: nothing, it is x\n", node.name);
      continue;
    }
    std::printf("%s (made as number %zu) from", node.name, nodes.size() - 1 - i);
    for (const auto& producer : node.next) std::printf(" %s", producer->name);
    std::printf("\n");
  }
}

void engine_by_hand() {
  const Tensor x = variable(2);
  const Tensor y = sin(x * x) * x;
  std::map<const Node*, Tensor> gradient{{node_of(y).get(), ones_like(y)}};
  for (const auto& node : nodes_of(y)) {  // newest first
    const Tensor g = gradient.at(node.get());
    std::printf("%-4s receives %s\n", node->name, text(g).c_str());
    if (node->leaf.defined()) continue;
    const Grads grads = node->rule(Backward(*node, g));
    for (size_t i = 0; i < grads.size(); ++i) {
      Tensor& sum = gradient[node->next[i].get()];
      sum = sum.defined() ? sum + grads[i] : grads[i];
    }
  }
  std::printf("by the engine:    %s\n", text(grad(y, x)).c_str());
  std::printf("by the textbook:  %s\n", fixed_text(std::cos(4.0) * 4 * 2 + std::sin(4.0), 3).c_str());
}

void jacobian_rows() {
  const Tensor x = variable({1, 2, 3}, {3});
  const Tensor y = stack({x.select(0, 0) * x.select(0, 1), square(x.select(0, 2)) + x.select(0, 0)}, 0);  // [2]
  const Tensor unit = eye(2, DType::f64);
  for (int row = 0; row < 2; ++row) {
    const Tensor product = grad(y, x, unit.select(0, row), {.retain_graph = true});
    std::printf("row %d of the Jacobian: %s\n", row, text(product).c_str());
  }
  const Tensor v = from_vector<double>({10, 1});
  std::printf("10 row 0 + 1 row 1, in one pass: %s\n", text(grad(y, x, v)).c_str());
}

void why_reverse() {
  const int64_t n = 1000;
  const auto f = [](const Tensor& x) { return sum(sin(x) * x); };
  const Tensor x = random({n}, 1).set_requires_grad();
  const Tensor reverse = grad(f(x), x);  // one pass forwards, one pass backwards

  const NoGrad off;
  int evaluations = 0;
  std::vector<double> slopes;
  for (int64_t i = 0; i < n; ++i) {  // one input at a time
    const auto moved = [&](double step) {
      const Tensor copy = x + zeros({n}, DType::f64);
      copy.mutable_data<double>()[i] += step;
      ++evaluations;
      return f(copy).item();
    };
    slopes.push_back((moved(1e-5) - moved(-1e-5)) / 2e-5);
  }
  std::printf("inputs: %lld\n", static_cast<long long>(n));
  std::printf("reverse mode: 1 evaluation and 1 backward pass\n");
  std::printf("differences:  %d evaluations\n", evaluations);
  std::printf("they agree to 6 decimals: %s\n", yes_or_no(difference(reverse, from_vector(slopes)) < 1e-6));
}

void newest_first() {
  const Tensor x = variable(1);
  const Tensor a = x * 2.0, b = a * 3.0, c = a * b;
  const auto watch = [](const char* name, const Tensor& t) {
    register_hook(t, [name](const Tensor& g) {
      std::printf("%s: gradient complete, %s\n", name, text(g).c_str());
      return Tensor{};
    });
  };
  watch("a", a), watch("b", b), watch("c", c), watch("x", x);
  c.backward();
}

void accumulation() {
  const Tensor x = variable(3);
  (x * x).backward();
  std::printf("after one pass:    %s\n", text(x.grad()).c_str());
  (x * x).backward();
  std::printf("after two:         %s\n", text(x.grad()).c_str());
  const Tensor apart = grad(x * x, x);
  std::printf("grad() returns:    %s and leaves %s\n", text(apart).c_str(), text(x.grad()).c_str());
  x.set_grad({});
  (x * x).backward();
  std::printf("cleared, one pass: %s\n", text(x.grad()).c_str());
}

void broadcasting() {
  const Tensor x = variable({1, 2, 3, 4, 5, 6}, {2, 3}), b = variable({10, 20, 30}, {3}), s = variable(2);
  sum(x * s + b).backward();
  std::printf("dx %s\n", text(x.grad()).c_str());
  std::printf("db %s\n", text(b.grad()).c_str());
  std::printf("ds %s\n", text(s.grad()).c_str());
}

}  // namespace ditharos::tour
