// Linear regression: the closed form, gradient descent to the same weights, and how large its step may be.
#include <cstdio>
#include <iostream>

#include <ditharos/ditharos.h>

using namespace ditharos;

int main() {
  // y = 2 x0 - 3 x1 + 1 + noise. The two inputs are on different scales.
  Generator rng(/*seed=*/0);
  const Tensor x = rng.normal({200, 2}) * from_vector<float>({1, 3});
  const Tensor y = matmul(x, from_vector<float>({2, -3})) + 1.0 + .5 * rng.normal({200});

  // The sum of squares has its minimum where A^T A w = A^T y, with a column of ones for the bias.
  const Tensor a = cat({x, ones({200, 1})}, 1);  // [200, 3]
  const Tensor exact = linalg::lstsq(a, unsqueeze(y, 1));
  const double least = mse_loss(matmul(a, exact), unsqueeze(y, 1)).item();
  std::cout << "closed form " << squeeze(exact) << '\n';
  std::printf("least loss %.4f\n", least);

  // Descent along the gradient. The loss is a parabola whose curvatures are the eigenvalues of 2 A^T A / N: a step of
  // more than 2 / (the largest one) makes the steepest direction oscillate with growing amplitude.
  const Tensor curvatures = linalg::eigvalsh(2.0 * matmul(transpose(a, 0, 1), a) / 200.0);
  const double limit = 2 / max(curvatures).item();
  std::cout << "curvatures " << curvatures << '\n';
  std::printf("largest step %.4f\n", limit);

  for (const double fraction : {.1, .5, 1.05}) {
    nn::Linear model(2, 1, rng);
    optim::Sgd optimizer(nn::named_parameters(model));
    std::printf("steps of %.4f, loss:", fraction * limit);
    for (int step = 0; step <= 200; ++step) {
      const Tensor loss = mse_loss(squeeze(model(x)), y);
      if (step % 50 == 0) std::printf("  %.4g", loss.item());
      optimizer.zero_grad();
      loss.backward();
      optimizer.step(/*lr=*/fraction * limit);
    }
    std::cout << '\n' << cat({squeeze(model.weight), model.bias}) << '\n';
  }
}
