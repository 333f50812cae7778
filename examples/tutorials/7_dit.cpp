// A diffusion transformer (DiT; Peebles and Xie 2023) from layers, trained as a rectified flow (Liu et al. 2023) on
// Fashion-MNIST. Writes 7_dit.png: samples of each class.
//
//   7_dit [DATA]      DATA: gray images of 28x28 pixels with classes (docs/data.md); fashion-mnist if it is left out
#include <cstdio>
#include <exception>
#include <iostream>
#include <utility>

#include <ditharos/ditharos.h>

using namespace ditharos;

constexpr int64_t side = 28, patch = 4, tokens = (side / patch) * (side / patch), width = 96;

/// LayerNorm without weights of its own, then a scale and a shift [B, width] that depend on time and class.
Tensor modulated(const Tensor& x, const Tensor& shift, const Tensor& scale) {
  return layer_norm(x) * (1.0 + unsqueeze(scale, 1)) + unsqueeze(shift, 1);
}

/// A transformer block with adaLN-Zero: the condition gives two shifts, scales and gates. The gates are 0 at first, so
/// that each block begins as the identity.
struct Block : nn::Module<Block> {
  nn::Attention attn;
  nn::Mlp mlp;
  nn::Linear condition;

  explicit Block(Generator& rng) : attn(width, 4, rng), mlp(width, 4 * width, rng), condition(width, 6 * width, rng) {
    nn::init::zeros_(condition.weight);
  }
  Tensor forward(const Tensor& x, const Tensor& c) const {  // [B, tokens, width], [B, width]
    const std::vector<Tensor> m = chunk(condition(silu(c)), 6, 1);
    const Tensor y = x + unsqueeze(m[2], 1) * attn(modulated(x, m[0], m[1]));
    return y + unsqueeze(m[5], 1) * mlp(modulated(y, m[3], m[4]));
  }
  void visit(nn::Visitor& v) override { v("attn", attn), v("mlp", mlp), v("condition", condition); }
};

/// The velocity of images [B, 1, 28, 28] at times [B] for classes [B].
struct Dit : nn::Module<Dit> {
  nn::Linear patches, time1, time2, last_condition, out;
  nn::Parameter positions;
  nn::Embedding classes;  // the last one means "no class"
  std::vector<Block> blocks;

  Dit(int64_t class_count, Generator& rng)
      : patches(patch * patch, width, rng), time1(64, width, rng), time2(width, width, rng),
        last_condition(width, 2 * width, rng), out(width, patch * patch, rng),
        positions(.02 * rng.normal({tokens, width})), classes(class_count + 1, width, rng, .02) {
    for (int i = 0; i < 3; ++i) blocks.emplace_back(rng);
    nn::init::zeros_(last_condition.weight), nn::init::zeros_(out.weight);
  }
  Tensor forward(const Tensor& images, const Tensor& times, const Tensor& labels) const {
    const Tensor pieces = flatten(pixel_unshuffle(images, patch), 2);  // [B, patch^2, tokens]
    Tensor x = patches(transpose(pieces, 1, 2)) + positions;
    const Tensor waves = nn::timestep_features(1000.0 * times, 64);  // cosines and sines of many frequencies
    const Tensor c = time2(silu(time1(waves))) + classes(labels);    // [B, width]
    for (const Block& block : blocks) x = block(x, c);
    const std::vector<Tensor> m = chunk(last_condition(silu(c)), 2, 1);
    const Tensor y = transpose(out(modulated(x, m[0], m[1])), 1, 2);  // [B, patch^2, tokens]
    return pixel_shuffle(unflatten(y, 2, {side / patch, side / patch}), patch);
  }
  void visit(nn::Visitor& v) override {
    v("patches", patches), v("time1", time1), v("time2", time2), v("last_condition", last_condition), v("out", out);
    v("positions", positions), v("classes", classes), v("blocks", blocks);
  }
};

/// Follows the velocity from noise at t = 0 to images at t = 1 in Euler's steps. Guidance (Ho and Salimans 2022) goes
/// further away from the velocity without a class.
Tensor sample(const Dit& dit, const Tensor& labels, int64_t no_class, double guidance, Generator& rng) {
  const nn::InferenceMode inference;  // NoGrad, with packed weights
  constexpr int steps = 30;
  Tensor x = rng.normal({labels.size(0), 1, side, side});
  for (int i = 0; i < steps; ++i) {
    const Tensor t = full({x.size(0)}, double(i) / steps);
    const Tensor with = dit(x, t, labels), without = dit(x, t, full_like(labels, double(no_class)));
    x = x + (without + guidance * (with - without)) / double(steps);
  }
  return x;
}

int main(int argc, char** argv) try {
  const auto source = data::open_images(argc > 1 ? argv[1] : "fashion-mnist", data::Split::train).source;
  const int64_t classes = source->num_classes();
  data::Loader loader(source, {.batch_size = 32, .seed = 1});

  Generator rng(/*seed=*/0);
  Dit dit(classes, rng);
  std::cout << nn::parameter_count(dit) << " parameters\n";
  // Muon for the matrices within the blocks, AdamW for everything else.
  const auto [matrices, others] = optim::partition(nn::named_parameters(dit), [](const nn::NamedTensor& p) {
    return p.name.starts_with("blocks.") && optim::is_matrix(p);
  });
  optim::Muon optimizer(matrices, others);
  optim::Ema ema(dit, /*decay=*/.99);
  const optim::Schedule schedule{.lr = 6e-3, .warmup_steps = 50, .decay = optim::Decay::linear, .total_steps = 700};
  double mean_loss = 0;
  for (int step = 1; step <= schedule.total_steps; ++step) {
    const data::Batch batch = loader.next();
    const Tensor data = batch.images(), noise = rng.normal(data.shape());
    const Tensor t = sigmoid(rng.normal({data.size(0)}) - .4);  // seldom at the ends, where the task is easy
    const Tensor at = t.reshape({-1, 1, 1, 1});
    const Tensor dropped = rng.bernoulli(.1, batch.labels.shape(), DType::boolean);
    const Tensor labels = masked_fill(batch.labels, dropped, double(classes));  // guidance needs "no class"
    // On the straight line x_t = (1 - t) noise + t data the velocity is data - noise.
    const Tensor loss = mse_loss(dit((1.0 - at) * noise + at * data, t, labels), data - noise);
    optimizer.zero_grad();
    loss.backward();
    const double factor = optim::clip_grad_factor(optimizer.parameters(), /*max_norm=*/1).factor;
    optimizer.step(optim::learning_rate(schedule, step - 1), factor, &ema);
    mean_loss += loss.item() / 100;
    if (step % 100 == 0) std::printf("step %4d: loss %.3f\n", step, std::exchange(mean_loss, 0));
  }

  constexpr int64_t each = 10;
  const optim::EmaScope averaged(ema);  // the averages of the weights
  const Tensor labels = repeat_interleave(arange(classes, DType::i64), each);
  const Tensor images = sample(dit, labels, /*no_class=*/classes, /*guidance=*/3, rng);
  data::save_grid("7_dit.png", images, {.columns = each, .scale = 2, .row_labels = source->class_names()});

  // Do they look like their classes? A linear classifier of pixels, in closed form as in 3_linear_regression, tells.
  const data::Batch all = data::read_all(*source);
  const auto rows = [](const Tensor& x) { return cat({flatten(x, 1), ones({x.size(0), 1})}, 1); };
  const Tensor a = rows(all.images()), t = transpose(a, 0, 1), targets = to(one_hot(all.labels), DType::f32);
  const Tensor fit = linalg::solve(matmul(t, a) + 100.0 * eye(a.size(1)), matmul(t, targets));
  const auto recognised = [&](const Tensor& x, const Tensor& classes_of_x) {
    return 100 * mean(to(argmax(matmul(rows(x), fit), 1) == classes_of_x, DType::f32)).item();
  };
  std::printf("a linear classifier recognises %.1f %% of the real images, and %.1f %% of the samples\n",
              recognised(all.images(), all.labels), recognised(images, labels));
} catch (const std::exception& error) {
  std::fprintf(stderr, "error: %s\n", error.what());
  return 1;
}
