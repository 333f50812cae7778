// The program of docs/guide.md: images, a model of one's own, a training loop, files, averages and samples.
//
//   guide [DATA [FOLDER [STEPS]]]     "shapes" or a folder of images of classes; where the files go; 300
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include <ditharos/ditharos.h>
#include <ditharos/training/checkpoint/weights.h>

using namespace ditharos;

struct Block : nn::Module<Block> {
  nn::LayerNorm norm1, norm2;
  nn::Attention attn;
  nn::Mlp mlp;

  Block(int64_t width, Generator& rng)
      : norm1(width), norm2(width), attn(width, /*heads=*/4, rng), mlp(width, 4 * width, rng) {}
  Tensor forward(const Tensor& x) const {  // [B, T, D] -> [B, T, D]
    const Tensor y = x + attn(norm1(x));
    return y + mlp(norm2(y));
  }
  void visit(nn::Visitor& v) override { v("norm1", norm1), v("norm2", norm2), v("attn", attn), v("mlp", mlp); }
};

/// Predicts the velocity of noisy images of 28x28 from their times and classes.
struct Denoiser : nn::Module<Denoiser> {
  static constexpr int64_t patch = 7, tokens = 16, width = 64;

  nn::Linear in, time, out;
  nn::Embedding label;  // of the classes, and of "no class" behind them
  nn::Parameter positions;
  nn::Buffer frequencies{exp(linspace(0, 5, 16))};
  std::vector<Block> blocks;

  Denoiser(int64_t channels, int64_t classes, int64_t depth, Generator& rng)
      : in(channels * patch * patch, width, rng), time(32, width, rng), out(width, channels * patch * patch, rng),
        label(classes + 1, width, rng), positions(rng.normal({tokens, width}) * .02) {
    for (int64_t i = 0; i < depth; ++i) blocks.emplace_back(width, rng);
  }
  Tensor forward(const Tensor& x, const Tensor& t, const Tensor& labels) const {  // [B, C, 28, 28], [B], [B]
    const Tensor patches = flatten(pixel_unshuffle(x, patch), 2);                 // [B, C patch^2, T]
    const Tensor angles = unsqueeze(t, 1) * frequencies;                          // [B, 16]
    const Tensor condition = time(cat({cos(angles), sin(angles)}, 1)) + label(labels);
    Tensor h = in(transpose(patches, 1, 2)) + positions + unsqueeze(condition, 1);  // [B, T, D]
    for (const Block& block : blocks) h = block(h);
    return pixel_shuffle(reshape(transpose(out(h), 1, 2), {x.size(0), -1, 4, 4}), patch);
  }
  void visit(nn::Visitor& v) override {
    v("in", in), v("time", time), v("out", out), v("label", label);
    v("positions", positions), v.buffer("frequencies", frequencies), v("blocks", blocks);
  }
};

/// Labels, a tenth of which are replaced by "no class".
Tensor with_dropout(const Tensor& labels, int64_t classes, Generator& rng) {
  return masked_fill(labels, rng.bernoulli(.1, labels.shape(), DType::boolean), static_cast<double>(classes));
}

int main(int argc, char** argv) {
  const std::string spec = argc > 1 ? argv[1] : "shapes", folder = argc > 2 ? argv[2] : ".";

  data::OpenOptions options;
  options.files.height = options.files.width = 28;
  const data::OpenedImages opened = data::open_images(spec, data::Split::train, options);
  for (const std::string& note : opened.notes) std::printf("%s\n", note.c_str());
  const int64_t classes = opened.source->num_classes(), channels = opened.source->channels();
  data::Loader loader(opened.source, {.batch_size = 32, .seed = 1});

  Generator rng(/*seed=*/0);
  Denoiser model(channels, classes, /*depth=*/2, rng);
  nn::name_modules(model);  // messages then name "blocks.1.attn.qkv"
  std::printf("%lld images of %lld classes, %lld parameters\n", static_cast<long long>(opened.source->size()),
              static_cast<long long>(classes), static_cast<long long>(nn::parameter_count(model)));

  const int64_t steps = argc > 3 ? std::stoll(argv[3]) : 300;
  const models::Flow flow;  // x_t = (1 - t) noise + t data; the target is data - noise
  optim::AdamW optimizer(nn::named_parameters(model));
  optim::Ema ema(model, /*decay=*/.98);
  const optim::Schedule schedule{.lr = 2e-3, .warmup_steps = 20, .decay = optim::Decay::cosine, .total_steps = steps};
  double first = 0, last = 0;  // mean losses of the first and the last 50 steps
  for (int64_t step = 0; step < steps; ++step) {
    const data::Batch batch = loader.next();
    const Tensor labels = with_dropout(batch.labels, classes, rng);
    const auto network = [&](const Tensor& x, const Tensor& t) { return model(x, t, labels); };
    optimizer.zero_grad();
    const Tensor loss = flow.loss(network, batch.images(), rng).total;
    loss.backward();
    const optim::ClipFactor gradient = optim::clip_grad_factor(optimizer.parameters(), /*max_norm=*/1);
    optimizer.step(optim::learning_rate(schedule, step), gradient.factor, &ema);
    if (step < 50) first += loss.item() / 50;
    if (step >= steps - 50) last += loss.item() / 50;
  }
  std::printf("loss %.3f at first, %.3f at the end\n", first, last);

  training::TrainState state;
  state.kind = "guide";
  state.step = steps;
  training::capture(state, model, optimizer, &ema);
  training::save_checkpoint(folder + "/guide.ckpt", state);
  training::export_weights(folder + "/guide.safetensors", state, training::Weights::ema, "guide.ckpt");

  Generator other(/*seed=*/1);
  Denoiser loaded(channels, classes, /*depth=*/2, other);
  nn::load_module(loaded, folder + "/guide.safetensors");  // every name and shape has to agree

  const models::SamplerConfig sampler{.kind = models::SamplerKind::heun, .steps = 10, .guidance = {.scale = 2}};
  const auto draw = [&](const Denoiser& network) {
    Generator noise(/*seed=*/7);
    const Tensor labels = repeat_interleave(arange(classes, DType::i64), 4);  // four images of each class
    const Tensor no_class = scalar(static_cast<double>(classes), DType::i64);
    const auto velocity = [&](const Tensor& x, const Tensor& t, const Tensor& y) { return network(x, t, y); };
    return models::sample(models::DiffusionConfig{.flow = flow.config()}, sampler, velocity, labels, no_class,
                          noise.normal({labels.size(0), channels, 28, 28}), noise);
  };
  const Tensor images = draw(loaded);
  data::save_grid(folder + "/guide.png", images, {.columns = 4, .scale = 2});

  const optim::EmaScope averaged(ema);  // the model has the averages until the end of the scope
  const bool same = images.to_vector<float>() == draw(model).to_vector<float>();
  return last < first && same && std::isfinite(mean(images).item()) ? 0 : 1;
}
