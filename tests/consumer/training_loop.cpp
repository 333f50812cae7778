// A training loop of one's own that can be stopped at any step and goes on with the same bits: training_loop FOLDER
#include <cmath>
#include <cstdio>
#include <filesystem>

#include <ditharos/ditharos.h>

using namespace ditharos;

/// Points on two spirals [N, 2], and the number of the spiral [N].
data::TensorDataset<2> two_spirals(int64_t count, Generator& rng) {
  const Tensor spiral = rng.randint(0, 2, {count}), radius = rng.uniform({count});
  const Tensor angle = 6.0 * radius + 3.1416 * to(spiral, DType::f32);
  const Tensor points = stack({radius * cos(angle), radius * sin(angle)}, 1);
  return data::TensorDataset(points + 0.02 * rng.normal(points.shape()), spiral);
}

struct Net : nn::Module<Net> {
  nn::Linear in, hidden, out;
  nn::LayerNorm norm;

  explicit Net(Generator& rng) : in(2, 64, rng), hidden(64, 64, rng), out(64, 2, rng), norm(64) {}
  Tensor forward(const Tensor& x) const { return out(gelu(norm(hidden(gelu(in(x)))))); }  // [B, 2] -> [B, 2]
  void visit(nn::Visitor& v) override { v("in", in), v("hidden", hidden), v("norm", norm), v("out", out); }
};

double accuracy(const Net& net, const Tensor& points, const Tensor& classes) {
  const NoGrad no_grad;
  return mean(to(argmax(net(points), 1) == classes, DType::f32)).item();
}

/// Trains from the checkpoint at `path`, if there is one, to step `last`, and writes it. Returns the accuracy on
/// held-out points.
double train(const std::string& path, int64_t last) {
  Generator data_rng(/*seed=*/1);
  const auto parts = data::random_split(two_spirals(1000, data_rng), {.8, .2}, /*seed=*/2);
  data::DataLoader held_out(parts[1], {.batch_size = parts[1].size()});

  Generator rng(/*seed=*/3);
  Net net(rng);
  const auto [matrices, others] = optim::partition(nn::named_parameters(net), optim::is_matrix);
  optim::AdamW optimizer(
      {{.parameters = matrices, .weight_decay = .1}, {.parameters = others, .weight_decay = 0, .lr_scale = .5}});
  optim::Ema ema(net, /*decay=*/.98);
  const optim::Schedule schedule{
      .lr = 1e-2, .warmup_steps = 20, .decay = optim::Decay::cosine, .total_steps = 500, .final_fraction = .01};

  training::TrainState state;
  state.kind = "spirals";
  if (std::filesystem::exists(path)) {
    state = training::load_checkpoint(path);
    training::restore(state, net, optimizer, &ema);
  }
  data::DataLoader loader(parts[0], {.batch_size = 32, .shuffle = true, .seed = 4},
                          {static_cast<uint64_t>(state.epoch), state.position});

  while (state.step < last) {
    const auto [points, classes] = loader.next();
    optimizer.zero_grad();
    const Tensor loss = cross_entropy(net(points), classes);
    loss.backward();
    const optim::ClipFactor gradient = optim::clip_grad_factor(optimizer.parameters(), /*max_norm=*/1);
    optimizer.step(optim::learning_rate(schedule, state.step), gradient.factor, &ema);
    ++state.step;
  }

  state.epoch = static_cast<int64_t>(loader.cursor().epoch);
  state.position = loader.cursor().position;
  training::capture(state, net, optimizer, &ema);
  training::save_checkpoint(path, state);

  const optim::EmaScope averaged(ema);
  const auto [points, classes] = held_out.next();
  return accuracy(net, points, classes);
}

int main(int argc, char** argv) {
  const std::string folder = argc > 1 ? argv[1] : ".", whole = folder + "/whole.ckpt", parts = folder + "/parts.ckpt";
  const double without_stop = train(whole, 500);
  train(parts, 137);
  const double with_stop = train(parts, 500);
  std::printf("%.1f %% of the held-out points are right\n", 100 * with_stop);
  return with_stop == without_stop && with_stop > .95 ? 0 : 1;
}
