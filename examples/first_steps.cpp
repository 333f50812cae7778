// A first program: fits y = sin(x) with a small network.
#include <cstdio>

#include <ditharos/ditharos.h>

using namespace ditharos;

struct Net : nn::Module<Net> {
  explicit Net(Generator& rng) : hidden(1, 32, rng), out(32, 1, rng) {}
  Tensor forward(const Tensor& x) const { return out(tanh(hidden(x))); }
  void visit(nn::Visitor& v) override { v("hidden", hidden), v("out", out); }
  nn::Linear hidden, out;
};

int main() {
  Generator rng(/*seed=*/0);
  Net net(rng);
  optim::AdamW optimizer(nn::named_parameters(net));
  const Tensor x = unsqueeze(linspace(-3, 3, 64), 1), y = sin(x);  // [64, 1]
  for (int step = 0; step <= 500; ++step) {
    const Tensor loss = mse_loss(net(x), y);
    optimizer.zero_grad();
    loss.backward();
    optimizer.step(/*lr=*/1e-2);
    if (step % 100 == 0) std::printf("step %3d  loss %.6f\n", step, loss.item());
  }
}
