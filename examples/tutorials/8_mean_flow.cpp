// MeanFlow (Geng et al. 2025) on two moons: samples in one step, by a derivative in forward mode.
// Writes 8_mean_flow.png: data; one step of MeanFlow; 1 and 32 steps of an ordinary flow.
#include <cstdio>
#include <numbers>

#include <ditharos/ditharos.h>
#include <ditharos/models/evaluation/energy_distance.h>

using namespace ditharos;

/// Points [N, 2] on two half circles that reach into one another.
Tensor two_moons(int64_t count, Generator& rng) {
  const Tensor angle = std::numbers::pi * rng.uniform({count}), upper = rng.bernoulli(.5, {count});
  const Tensor sign = 2.0 * upper - 1.0;
  const Tensor points = stack({cos(angle) - .5 * sign, sign * (sin(angle) - .25)}, 1);
  return 2.0 * points + .1 * rng.normal({count, 2});
}

/// u(x, t, r): the mean velocity between the times t and r of the path that is at x [N, 2] at time t [N, 1].
struct Net : nn::Module<Net> {
  nn::Linear in, hidden1, hidden2, out;

  explicit Net(Generator& rng) : in(4, 96, rng), hidden1(96, 96, rng), hidden2(96, 96, rng), out(96, 2, rng) {}
  Tensor forward(const Tensor& x, const Tensor& t, const Tensor& r) const {
    return out(silu(hidden2(silu(hidden1(silu(in(cat({x, t, r}, 1))))))));
  }
  void visit(nn::Visitor& v) override { v("in", in), v("hidden1", hidden1), v("hidden2", hidden2), v("out", out); }
};

/// A path x_t = (1 - t) noise + t data has the velocity v = data - noise. The definition of u is (r - t) u = the
/// integral of the velocity from t to r. Its derivative by t, along the path, is u = v + (r - t) du/dt: the target, a
/// constant.
Tensor loss_of(const Net& net, const Tensor& data, Generator& rng) {
  const Tensor noise = rng.normal(data.shape()), v = data - noise;
  const Tensor a = rng.uniform({data.size(0), 1}), b = rng.uniform({data.size(0), 1}), t = minimum(a, b);
  // A quarter of the intervals has no length: their target is v itself.
  const Tensor r = where(rng.bernoulli(.75, t.shape(), DType::boolean), maximum(a, b), t);

  // The derivative of u(x, t, r) in the direction (v, 1, 0), together with u itself.
  const auto u_of = [&](const std::vector<Tensor>& in) { return net(in[0], in[1], in[2]); };
  const auto [u, du_dt] =
      jvp(u_of, {(1.0 - t) * noise + t * data, t, r}, {v, ones_like(t), zeros_like(r)}, /*create_graph=*/true);
  return mse_loss(u, v + (r - t) * du_dt.detach());
}

/// Follows u from noise at t = 0 to data at t = 1. A step from t to r is x + (r - t) u(x, t, r). With the velocity at
/// its beginning, u(x, t, t), it is an Euler step of an ordinary flow.
Tensor sample(const Net& net, Tensor x, int steps, bool mean_velocity) {
  const NoGrad no_grad;
  for (int i = 0; i < steps; ++i) {
    const Tensor t = full({x.size(0), 1}, double(i) / steps), r = full_like(t, double(i + 1) / steps);
    x = x + net(x, t, mean_velocity ? r : t) / double(steps);
  }
  return x;
}

/// How many of the points fall into each of 96x96 squares, as an image [1, 1, 96, 96]. Many are dark.
Tensor density(const Tensor& points) {
  const Tensor square = to(clamp(floor((points + 3.5) / 7.0 * 96.0), 0, 95), DType::i64);  // column, and row from below
  const Tensor counts = bincount((95 - square.select(1, 1)) * 96 + square.select(1, 0), {}, 96 * 96);
  return 1.0 - 2.0 * clamp(to(counts, DType::f32) / 12.0, {}, 1).reshape({1, 1, 96, 96});
}

int main() {
  Generator rng(/*seed=*/0);
  Net net(rng);
  const auto [matrices, others] = optim::partition(nn::named_parameters(net), [](const nn::NamedTensor& p) {
    return p.name.starts_with("hidden") && optim::is_matrix(p);
  });
  optim::Muon optimizer(matrices, others, {.weight_decay = 0}, {.weight_decay = 0});
  const optim::Schedule schedule{.lr = 1e-2, .warmup_steps = 50, .decay = optim::Decay::cosine, .total_steps = 3000};
  for (int step = 0; step < schedule.total_steps; ++step) {
    const Tensor loss = loss_of(net, two_moons(512, rng), rng);
    optimizer.zero_grad();
    loss.backward();
    optimizer.step(optim::learning_rate(schedule, step));
  }

  const Tensor data = two_moons(2000, rng), other = two_moons(2000, rng), noise = rng.normal({2000, 2});
  const auto distance = [&](const Tensor& points) { return models::energy_distance(points, data); };
  std::printf("energy distance to data: other data %.3f, noise %.3f\n", distance(other), distance(noise));
  for (const int steps : {1, 2, 4, 32})
    std::printf("%2d steps: mean velocity %.3f, velocity %.3f\n", steps, distance(sample(net, noise, steps, true)),
                distance(sample(net, noise, steps, false)));

  const Tensor many = rng.normal({20000, 2});
  const auto drawn = [&](int steps, bool mean_velocity) { return density(sample(net, many, steps, mean_velocity)); };
  data::save_grid("8_mean_flow.png",
                  cat({density(two_moons(20000, rng)), drawn(1, true), drawn(1, false), drawn(32, false)}),
                  {.columns = 4, .padding = 4, .scale = 2});
}
