// A user's program, built with a user's flags: an installed ditharos, with no warning in any header.
#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ditharos/ditharos.h>

using namespace ditharos;

namespace {

/// Layers in a list and one that may be absent: what visit() takes beside tensors and modules.
struct Net : nn::Module<Net> {
  nn::Embedding table;
  std::vector<nn::Linear> layers;
  std::optional<nn::Mlp> mlp;
  nn::Conv2d conv;
  nn::Parameter scale{ones({1})};

  explicit Net(Generator& rng) : table(5, 4, rng), mlp(std::in_place, 4, 8, rng), conv(1, 1, 1, 1, 0, rng) {
    for (int i = 0; i < 3; ++i) layers.emplace_back(4, 4, rng);
  }
  Tensor forward(const Tensor& indices) const {
    Tensor x = table(indices);
    for (const nn::Linear& layer : layers) x = x + layer(x);
    return conv(reshape((*mlp)(x), {-1, 1, 2, 2})) * scale;
  }
  void visit(nn::Visitor& v) override {
    v("table", table);
    v("layers", layers);
    v("mlp", mlp);
    v("conv", conv);
    v("scale", scale);
  }
};

/// One step of training as the headers show it.
double train_step(Net& net, optim::Optimizer& optimizer, optim::Ema& ema, const Tensor& indices) {
  optimizer.zero_grad();
  const Tensor loss = mean(square(net(indices)));
  loss.backward();
  optim::clip_grad_norm_(optimizer.parameters(), 1.0);
  optimizer.step(1e-2, 1.0, &ema);
  return loss.item();
}

/// A training program: it stops after every third step and is resumed, as often as `steps` takes.
int64_t trained_steps(const std::string& folder, int64_t steps) {
  const training::RunOptions options{.folder = folder, .resume = "auto"};
  const training::RunOutputs outputs(options);
  const training::RunIdentity run{.kind = {"line", "a line"}, .train = {.steps = steps, .warmup = 2}};
  Generator rng(3);
  nn::Linear model(2, 2, rng);
  const auto network = [&](const Tensor& x, const Tensor&, const Tensor&) { return model(x); };
  training::Trainer trainer(model, network, std::make_shared<models::Flow>(models::FlowConfig{}),
                            make_optimizer(model, run.train), trainer_config(run.train));
  if (const auto state = state_to_resume(options, run)) trainer.restore(*state);
  const auto next_batch = [&] {
    if (trainer.steps() % 3 == 2) std::raise(SIGTERM);
    return training::TrainingBatch{rng.normal({4, 2})};
  };
  return training::run_training({.trainer = trainer, .outputs = outputs, .run = run, .next_batch = next_batch}).steps;
}

}  // namespace

int main(int, char** argv) {
  const Tensor x = full({3}, 2.0);  // d/dx sum(x^2) = 2x
  x.set_requires_grad();
  sum(x * x).backward();
  for (const double g : x.grad().to_vector<double>())
    if (g != 4.0) return 1;

  Generator rng(1);
  Net net(rng);
  nn::name_modules(net);
  optim::AdamW optimizer(nn::named_parameters(net));
  optim::Ema ema(net, .9);
  const Tensor indices = from_vector(std::vector<int64_t>{0, 3, 4});
  const double first = train_step(net, optimizer, ema, indices);
  double last = first;
  for (int i = 0; i < 20; ++i) last = train_step(net, optimizer, ema, indices);
  if (!(last < first)) return 2;
  if (nn::parameter_count(net) != 5 * 4 + 3 * 20 + 40 + 36 + 2 + 1) return 3;
  nn::load_state_dict(net, ema.state());

  const std::string folder = std::string(argv[0]) + "-run";
  for (const int64_t reached : {3, 6, 7, 7})
    if (trained_steps(folder, 7) != reached) return 4;
  std::puts("the installed library works");
  return 0;
}
