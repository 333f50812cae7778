// Every statement discards a result, and the compiler has to warn of each; check_install.sh counts the warnings.
#include <ditharos/ditharos.h>

using namespace ditharos;

void drop(const Tensor& x, nn::Linear& layer, const optim::Optimizer& optimizer) {
  x.reshape({-1});
  x.detach();
  x + x;
  exp(x);
  chunk(x, 2, 0);
  max(x, 0);
  grad(sum(x), x);
  zeros({2});
  layer(x);
  nn::clone(layer);
  nn::named_parameters(layer);
  optim::clip_grad_factor(optimizer.parameters(), 1.0);
  optim::learning_rate({}, 1);
  data::read_png("a.png", 1);
  models::patchify(x, {1, 2, 2});
}

int main() {}
