// Autograd: gradients by hand and by backward(), the recorded graph, second derivatives, an operation of one's own.
#include <iostream>

#include <ditharos/ditharos.h>

using namespace ditharos;

/// x sigmoid(beta x) (Ramachandran et al. 2017) with its derivative sigmoid(beta x) (1 + beta x (1 - sigmoid(beta x))).
/// `factor` is 1 unless the rule is to be wrong.
Tensor swish(const Tensor& x, double beta, double factor = 1) {
  const Function op = {"swish", [=](const Function::Tensors& in) { return in[0] * sigmoid(beta * in[0]); },
                       [=](const Function::Tensors& in, const Tensor&, const Tensor& grad) -> Function::Tensors {
                         const Tensor s = sigmoid(beta * in[0]);
                         return {factor * grad * s * (1.0 + beta * in[0] * (1.0 - s))};
                       }};
  return op({x});
}

int main() {
  std::cout << "-- by hand and by backward() --\n";
  const Tensor w = from_vector<float>({1, -2, 3}).set_requires_grad();
  const Tensor x = from_vector<float>({4, 5, 6});
  const Tensor loss = square(sum(w * x) - 10.0);        // (w . x - 10)^2
  const Tensor by_hand = 2.0 * (dot(w, x) - 10.0) * x;  // the chain rule
  loss.backward();
  std::cout << by_hand << '\n' << w.grad() << '\n';

  // backward() adds to grad(), as several uses of a weight need it. So a training step begins with zero_grad().
  square(sum(w * x) - 10.0).backward();
  std::cout << "after a second pass: " << w.grad() << '\n';

  // Each operation has recorded its inputs and what its rule needs; backward() walks from the loss to the leaves.
  std::cout << "-- the graph --\n" << print_graph(square(sum(w * x) - 10.0), {{"w", w}});

  // What is not recorded is constant: in a NoGrad scope, and behind detach().
  std::cout << "-- constants --\n" << std::boolalpha;
  {
    const NoGrad no_grad;
    std::cout << "under NoGrad: " << (w * x).requires_grad() << '\n';
  }
  const Tensor cut = sum((w * x).detach() * w);
  std::cout << "with a constant factor: " << grad(cut, w) << '\n';

  // A gradient is computed by the same operations. With create_graph they are recorded, too.
  std::cout << "-- gradients of gradients --\n";
  const Tensor t = scalar(2).set_requires_grad();
  Tensor derivative = pow(t, 4);
  for (int order = 1; order <= 4; ++order) {
    derivative = grad(derivative, t, {}, {.create_graph = true});
    std::cout << "derivative " << order << " of t^4 at 2: " << derivative.item() << '\n';
  }
  std::cout << hessian([](const Tensor& v) { return prod(v); }, x) << '\n';  // of v0 v1 v2

  // gradcheck compares a rule with difference quotients, in f64: here first and second derivatives.
  std::cout << "-- an operation of one's own --\n";
  const Tensor points = Generator(/*seed=*/0).normal({8}, DType::f64);
  for (const double factor : {1.0, 1.01}) {
    const auto checked = gradcheck([&](const std::vector<Tensor>& in) { return swish(in[0], 1.5, factor); }, {points});
    std::cout << "a rule times " << factor << ": " << (checked.ok ? "right" : "wrong") << '\n';
  }
}
