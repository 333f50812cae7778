// A convolutional variational autoencoder (Kingma and Welling 2014) of Fashion-MNIST: 784 pixels to 8 numbers and back.
// Writes 6_conv_vae.png: test images, their reconstructions, and samples.
//
//   6_conv_vae [DATA]      DATA: gray images of 28x28 pixels (docs/data.md); fashion-mnist if it is left out
#include <cstdio>
#include <exception>

#include <ditharos/ditharos.h>

using namespace ditharos;

constexpr int64_t latent = 8;

struct Vae : nn::Module<Vae> {
  nn::Sequential encoder, decoder;

  explicit Vae(Generator& rng)
      : encoder(nn::Conv2d(1, 16, 4, {.stride = 2, .padding = 1}, rng), nn::SiLU(),   // [B, 16, 14, 14]
                nn::Conv2d(16, 32, 4, {.stride = 2, .padding = 1}, rng), nn::SiLU(),  // [B, 32, 7, 7]
                nn::Flatten(), nn::Linear(32 * 49, 2 * latent, rng)),
        decoder(nn::Linear(latent, 32 * 49, rng), nn::Unflatten(1, {32, 7, 7}), nn::SiLU(),
                nn::ConvTranspose2d(32, 16, 4, {.stride = 2, .padding = 1}, rng), nn::SiLU(),
                nn::ConvTranspose2d(16, 1, 4, {.stride = 2, .padding = 1}, rng)) {}

  /// The distribution of the code of each image: mean and logarithm of the variance, [B, latent] each.
  std::pair<Tensor, Tensor> encode(const Tensor& images) const {
    const std::vector<Tensor> parts = chunk(encoder(images), 2, 1);
    return {parts[0], parts[1]};
  }
  /// The logits of the pixels' brightness, [B, 1, 28, 28].
  Tensor decode(const Tensor& codes) const { return decoder(codes); }
  void visit(nn::Visitor& v) override { v("encoder", encoder), v("decoder", decoder); }
};

struct Loss {
  Tensor reconstruction, divergence;  // in nats an image
};

/// The bound of the negative log likelihood. Codes are mean + deviation * noise, so that gradients reach mean and
/// deviation. The divergence from N(0, 1) keeps codes where samples will be drawn.
Loss loss_of(const Vae& vae, const Tensor& images, Generator& rng) {
  const double batch = double(images.size(0));
  const auto [mean, log_variance] = vae.encode(images);
  const Tensor codes = mean + exp(log_variance / 2.0) * rng.normal(mean.shape());
  const Tensor brightness = (images + 1.0) / 2.0;  // in [0, 1]
  return {binary_cross_entropy_with_logits(vae.decode(codes), brightness, {}, Reduction::sum) / batch,
          sum(square(mean) + exp(log_variance) - log_variance - 1.0) / (2 * batch)};
}

int main(int argc, char** argv) try {
  const std::string spec = argc > 1 ? argv[1] : "fashion-mnist";
  data::Loader loader(data::open_images(spec, data::Split::train).source, {.batch_size = 64, .seed = 1});
  const Tensor test = data::read_all(*data::open_images(spec, data::Split::test).source).images();

  Generator rng(/*seed=*/0);
  Vae vae(rng);
  optim::Adam optimizer(nn::named_parameters(vae));
  const optim::Schedule schedule{.lr = 4e-3, .warmup_steps = 50, .decay = optim::Decay::cosine, .total_steps = 2000};
  for (int step = 1; step <= schedule.total_steps; ++step) {
    const auto [reconstruction, divergence] = loss_of(vae, loader.next().images(), rng);
    optimizer.zero_grad();
    (reconstruction + divergence).backward();
    optimizer.step(optim::learning_rate(schedule, step - 1));
    if (step % 500 == 0) {
      const NoGrad no_grad;
      const Loss held_out = loss_of(vae, slice(test, 0, 0, 1000), rng);
      std::printf("step %4d: %.1f nats an image on test images, %.1f of them for the code\n", step,
                  (held_out.reconstruction + held_out.divergence).item(), held_out.divergence.item());
    }
  }

  const NoGrad no_grad;
  const auto images_of = [&](const Tensor& codes) { return 2.0 * sigmoid(vae.decode(codes)) - 1.0; };
  const Tensor some = slice(test, 0, 0, 20), reconstructed = images_of(vae.encode(some).first);
  const Tensor samples = images_of(rng.normal({20, latent}));
  std::printf("mean squared error of pixels in [0, 1]: %.4f of reconstructions, %.4f of the mean image\n",
              mse_loss(reconstructed, some).item() / 4, mean(variance(test, {0})).item() / 4);
  data::save_grid("6_conv_vae.png", cat({some, reconstructed, samples}), {.columns = 10, .scale = 2});
} catch (const std::exception& error) {
  std::fprintf(stderr, "error: %s\n", error.what());
  return 1;
}
