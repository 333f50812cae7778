// A project of one's own on ditharos: a data set, an operation with its gradient, a module and a training loop. It
// learns to tell the arms of two spirals apart.
#include <cmath>
#include <cstdio>
#include <numbers>
#include <vector>

#include <ditharos/ditharos.h>

using namespace ditharos;

// --- the data set: points on two spirals, with the number of the arm that each lies on ---

struct Spirals {
  Tensor points;  // f32 [N, 2]
  Tensor arms;    // i64 [N], 0 or 1
};

Spirals make_spirals(int64_t n, double noise, Generator& rng) {
  std::vector<float> points;
  std::vector<int64_t> arms;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t place = i / 2, places = n / 2;  // along its arm
    const double turn = double(place) / double(places), pi = std::numbers::pi;
    const double angle = 3 * pi * turn + pi * double(i % 2);
    points.push_back(float((.1 + turn) * std::cos(angle)));
    points.push_back(float((.1 + turn) * std::sin(angle)));
    arms.push_back(i % 2);
  }
  const Tensor clean = from_vector(points, {n, 2});
  return {clean + noise * rng.normal({n, 2}), from_vector(arms, {n})};
}

// --- an operation: x + sin(x)^2, the snake activation (Ziyin et al. 2020) with a = 1, and its gradient ---

Tensor snake(const Tensor& x) {
  static const Function op = {"snake", [](const Function::Tensors& in) { return in[0] + square(sin(in[0])); },
                              [](const Function::Tensors& in, const Tensor&, const Tensor& grad) -> Function::Tensors {
                                return {grad * (sin(2.0 * in[0]) + 1.0)};
                              }};
  return op({x});
}

// --- a module: a block with a residual connection, and the network of three of them ---

struct Block : nn::Module<Block> {
  nn::LayerNorm norm;
  nn::Linear up, down;

  Block(int64_t width, Generator& rng) : norm(width), up(width, 2 * width, rng), down(2 * width, width, rng) {}
  Tensor forward(const Tensor& x) const { return x + down(snake(up(norm(x)))); }  // [B, width] -> [B, width]
  void visit(nn::Visitor& v) override { v("norm", norm), v("up", up), v("down", down); }
};

struct Network : nn::Module<Network> {
  nn::Linear in, out;
  std::vector<Block> blocks;

  Network(int64_t width, Generator& rng) : in(2, width, rng), out(width, 2, rng) {
    for (int i = 0; i < 3; ++i) blocks.emplace_back(width, rng);
  }
  Tensor forward(const Tensor& points) const {  // [B, 2] -> [B, 2], a logit for each arm
    Tensor x = in(points);
    for (const Block& block : blocks) x = block(x);
    return out(x);
  }
  void visit(nn::Visitor& v) override { v("in", in), v("blocks", blocks), v("out", out); }
};

// --- training ---

double accuracy(const Network& network, const Spirals& data) {
  const NoGrad no_grad;
  return mean(to(equal(argmax(network(data.points), 1), data.arms), DType::f32)).item();
}

int main() {
  Generator rng(/*seed=*/0);
  const GradcheckResult check =
      gradcheck([](const std::vector<Tensor>& x) { return snake(x[0]); }, {rng.normal({3, 4}, DType::f64)});
  std::printf("gradient of snake: %s\n", check.ok ? "right" : check.message.c_str());

  const Spirals train = make_spirals(1024, .02, rng), test = make_spirals(256, .02, rng);
  Network network(/*width=*/32, rng);
  optim::AdamW optimizer(nn::named_parameters(network));
  std::printf("%lld parameters\n", static_cast<long long>(nn::parameter_count(network)));

  const int64_t batch = 64, epochs = 30;
  for (int64_t epoch = 1; epoch <= epochs; ++epoch) {
    const Tensor order = rng.permutation(train.points.size(0));
    const int64_t steps = order.numel() / batch;
    double loss_sum = 0;
    for (int64_t i = 0; i < order.numel(); i += batch) {
      const Tensor rows = slice(order, 0, i, i + batch);
      const Tensor points = index_select(train.points, 0, rows), arms = index_select(train.arms, 0, rows);
      const Tensor loss = cross_entropy(network(points), arms);
      optimizer.zero_grad();
      loss.backward();
      optimizer.step(/*lr=*/5e-3);
      loss_sum += loss.item();
    }
    if (epoch % 10 == 0)
      std::printf("epoch %2lld: loss %.4f, test accuracy %.1f %%\n", static_cast<long long>(epoch),
                  loss_sum / double(steps), 100 * accuracy(network, test));
  }

  return check.ok && accuracy(network, test) > .95 ? 0 : 1;
}
