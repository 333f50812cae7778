// What check_instructions.sh counts: each function counted_NAME is one case, run once on one thread with warm caches.
// Callgrind collects inside of them alone. Inputs are fixed, so the count of a build is the same everywhere.
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/models/diffusion/process.h>
#include <ditharos/models/dit/dit.h>
#include <ditharos/optim/adam.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/training/trainer.h>

using namespace ditharos;

namespace {

struct Training {
  static models::DiTConfig config() {
    return {.height = 8,
            .width = 8,
            .channels = 1,
            .hidden = 64,
            .depth = 2,
            .heads = 2,
            .classes = 4,
            .learn_sigma = false};
  }
  static training::TrainerConfig settings() {
    training::TrainerConfig t;
    t.class_dropout = .1;
    t.null_condition = config().null_condition();
    t.clip_norm = 1;
    t.ema_decay = .99;
    return t;
  }
  Generator rng{1};
  models::DiT model{config(), rng};
  training::Trainer trainer{model, [this](const Tensor& x, const Tensor& t, const Tensor& y) { return model(x, t, y); },
                            models::make_objective({}), std::make_unique<optim::AdamW>(nn::named_parameters(model)),
                            settings()};
  Tensor images = rng.normal({16, 1, 8, 8}), labels = rng.randint(0, 4, {16});
};

struct Inputs {
  Generator rng{2};
  Tensor x = rng.normal({16, 64, 96}).set_requires_grad(), y = rng.normal({16, 64, 96}).set_requires_grad();
  Tensor a = rng.normal({16, 96}).set_requires_grad(), b = rng.normal({16, 96}).set_requires_grad();
  Tensor qkv = rng.normal({8, 64, 3 * 96}).set_requires_grad();
  Tensor logits = rng.normal({512, 100}).set_requires_grad(), classes = rng.randint(0, 100, {512});
  Tensor small = rng.normal({4}).set_requires_grad();
  Tensor large = rng.normal({96, 1024}).set_requires_grad();
  optim::AdamW adamw{{{"large", large}}};
};

}  // namespace

extern "C" {  // names without decoration, for the script

[[gnu::noinline]] void counted_step(Training& t) { t.trainer.step(t.images, t.labels); }
[[gnu::noinline]] void counted_layer_norm_modulate(Inputs& in) {
  backward(layer_norm_modulate(in.x, in.a, in.b), in.y);
}
[[gnu::noinline]] void counted_gated_residual(Inputs& in) { backward(gated_residual(in.x, in.a, in.y), in.x); }
[[gnu::noinline]] void counted_gelu_tanh(Inputs& in) { backward(gelu_tanh(in.x), in.y); }
[[gnu::noinline]] void counted_attention(Inputs& in) {
  const Tensor y = attention(in.qkv, 4);  // [8, 64, 96]
  backward(y, y.detach());
}
[[gnu::noinline]] void counted_cross_entropy(Inputs& in) { cross_entropy(in.logits, in.classes).backward(); }
[[gnu::noinline]] void counted_adamw(Inputs& in) { in.adamw.step(1e-3); }
[[gnu::noinline]] void counted_random_normal(Inputs& in) { static_cast<void>(in.rng.normal({10000})); }
[[gnu::noinline]] void counted_engine(Inputs& in) {
  Tensor y = in.small;
  for (int i = 0; i < 500; ++i) y = y + in.small;
  sum(y).backward();
}

}  // extern "C"

int main() {
  try {
    set_num_threads(1);
    Training training;
    Inputs in;
    sum(square(in.large)).backward();
    // The first time makes primitives and takes memory from the system; only the second, dumped last, is compared.
    for (int round = 0; round < 2; ++round) {
      counted_step(training);
      counted_layer_norm_modulate(in);
      counted_gated_residual(in);
      counted_gelu_tanh(in);
      counted_attention(in);
      counted_cross_entropy(in);
      counted_adamw(in);
      counted_random_normal(in);
      counted_engine(in);
    }
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "instruction_cases: %s\n", e.what());
    return 1;
  }
}
