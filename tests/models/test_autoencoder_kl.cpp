// AutoencoderKL: diffusers' results and gradients, published names, counts, tiles and slices, latents, checks.
#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/models/autoencoder/kl.h>
#include <ditharos/models/autoencoder/kl_names.h>
#include <ditharos/nn/state_dict.h>
#include <ditharos/tensor/factory.h>
#include "tests/support/golden.h"
#include "tests/support/message_of.h"
#include "tests/support/tensor_cases.h"

using namespace ditharos;
using namespace ditharos::models;
using ditharos::tests::difference;
using ditharos::tests::Golden;
using ditharos::tests::message_of;
using ditharos::tests::same_bits;

namespace {

/// Multiples of 2^-23 in [-1, 1), a function of position and salt.
std::vector<float> hashed(int64_t count, uint32_t salt) {
  std::vector<float> values;
  for (uint32_t i = 0; i < uint32_t(count); ++i) {
    uint32_t x = i * 2654435761u + (salt * 40503u + 12345u);
    for (const uint32_t factor : {0x85EBCA6Bu, 0xC2B2AE35u}) {
      x ^= x >> 15;
      x *= factor;
    }
    x ^= x >> 16;
    values.push_back(float(x >> 8) / 8388608.f - 1.f);
  }
  return values;
}
Tensor hashed(const Shape& shape, uint32_t salt) { return from_vector(hashed(numel(shape), salt), shape); }

/// The published weights of the golden models: see fill() in the script.
std::map<std::string, Tensor> golden_kl_weights(const AutoencoderKL& model) {
  std::map<std::string, Tensor> published = kl_names().to_published(nn::named_parameters(model));
  uint32_t salt = 0;
  for (auto& [name, tensor] : published) {
    std::vector<float> values = hashed(tensor.numel(), salt++);
    const bool norm = name.find("norm") != std::string::npos && name.ends_with("weight");
    const float bound = float(1.5 / std::sqrt(double(tensor.numel()) / double(tensor.size(0))));
    for (float& v : values) v = tensor.rank() > 1 ? float(double(v) * double(bound)) : v * .25f + (norm ? 1.f : 0.f);
    tensor = from_vector(values, tensor.shape());
  }
  return published;
}

/// A model of the golden file, by its prefix there.
AutoencoderKL golden_kl(const std::string& name) {
  AutoencoderKLConfig config{.block_out_channels = {32, 64}, .layers_per_block = 1, .norm_num_groups = 8};
  if (name == "sd3") {
    config = {.latent_channels = 5,
              .block_out_channels = {8, 16, 24, 32},
              .layers_per_block = 1,
              .norm_num_groups = 4,
              .use_quant_conv = false,
              .use_post_quant_conv = false};
  }
  Generator rng(1);
  AutoencoderKL model(config, rng);
  nn::load_state_dict(model, kl_names().to_own(golden_kl_weights(model), nn::named_tensors(model)));
  return model;
}

const Golden& golden() {
  static const Golden file("kl.golden");
  return file;
}

struct Case {
  std::string name;
  Shape image;
  int64_t tile;
};
const std::vector<Case> cases{{"sd", {2, 3, 16, 16}, 8}, {"sd3", {1, 3, 40, 32}, 32}};

/// The norm and the elements at equal distances that the script stores of a gradient.
Tensor stored_part(const Tensor& gradient) {
  const std::vector<double> all = gradient.to_vector<double>();
  double sum = 0;
  for (const double v : all) sum += v * v;
  std::vector<double> part{std::sqrt(sum)};
  const size_t step = std::max<size_t>(1, all.size() / 16);
  for (size_t i = 0; i < all.size() && part.size() <= 16; i += step) part.push_back(all[i]);
  return from_vector(part);
}

AutoencoderKL small(const AutoencoderKLConfig& config = {
                        .block_out_channels = {8, 16}, .layers_per_block = 1, .norm_num_groups = 4}) {
  Generator rng(3);
  return AutoencoderKL(config, rng);
}

}  // namespace

TEST_CASE("autoencoder kl: diffusers' latents and images, whole and in tiles") {
  const NoGrad no_grad;
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const AutoencoderKL model = golden_kl(c.name);
    const Tensor x = hashed(c.image, 1000);
    const LatentDistribution z = model.encode(x);
    CHECK(difference(z.mean, golden().at(c.name + ".mean")) < 1e-5);
    CHECK(difference(z.log_variance, golden().at(c.name + ".logvar")) < 1e-5);
    CHECK(difference(model.decode(z.mode()), golden().at(c.name + ".decoded_mode")) < 1e-5);
    CHECK(difference(model(x), golden().at(c.name + ".decoded_mode")) < 1e-5);

    const TilingOptions tiles{.tile_sample_min_size = c.tile};
    const LatentDistribution tiled = model.encode(x, tiles);
    CHECK(difference(tiled.mean, golden().at(c.name + ".tiled_mean")) < 1e-5);
    CHECK(difference(tiled.log_variance, golden().at(c.name + ".tiled_logvar")) < 1e-5);
    CHECK(difference(model.decode(z.mean, tiles), golden().at(c.name + ".tiled_decoded")) < 1e-5);
    CHECK(difference(model.decode(z.mean, tiles), golden().at(c.name + ".decoded_mode")) > 1e-2);
  }
}

TEST_CASE("autoencoder kl: diffusers' gradients, by published names") {
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const AutoencoderKL model = golden_kl(c.name);
    const LatentDistribution z = model.encode(hashed(c.image, 1000));
    const Tensor decoded = model.decode(z.mean + exp(z.log_variance * .5) * hashed(z.mean.shape(), 1001));
    CHECK(difference(decoded, golden().at(c.name + ".decoded")) < 1e-5);
    const Tensor total = sum(decoded * hashed(decoded.shape(), 1002)) + sum(z.mean * hashed(z.mean.shape(), 1003)) +
                         sum(z.log_variance * hashed(z.mean.shape(), 1004));
    total.backward();
    nn::NamedTensors gradients;
    for (const nn::NamedTensor& p : nn::named_parameters(model)) gradients.push_back({p.name, p.tensor.grad()});
    const std::map<std::string, Tensor> published = kl_names().to_published(gradients);
    const nn::NamedTensors stored = golden().with_prefix(c.name + ".grad.");
    CHECK_EQ(published.size(), stored.size());
    for (const nn::NamedTensor& gradient : stored) {
      CAPTURE(gradient.name);
      REQUIRE(published.count(gradient.name) == 1);
      if (gradient.name.ends_with("to_k.bias")) {
        // A number that is added to all keys changes no weight of a softmax: the derivative is 0.
        const std::string queries = gradient.name.substr(0, gradient.name.size() - 6) + "q.bias";
        CHECK(amax(abs(published.at(gradient.name))).item() < 1e-4 * amax(abs(published.at(queries))).item());
        continue;
      }
      CHECK(difference(stored_part(published.at(gradient.name)), gradient.tensor) < 1e-4);
    }
  }
}

TEST_CASE("autoencoder kl: the released autoencoder's tensors, parameters and operations, without building it") {
  const AutoencoderKLParameters sizes = count_parameters(AutoencoderKLConfig{});
  CHECK_EQ(sizes.encoder, 34'163'592);
  CHECK_EQ(sizes.decoder, 49'490'179);
  CHECK_EQ(sizes.quant_conv, 72);
  CHECK_EQ(sizes.post_quant_conv, 20);
  CHECK_EQ(sizes.total(), 83'653'863);
  const AutoencoderKLMacs macs = count_macs({}, 256, 256);
  CHECK_EQ(double(macs.encode) / 1e9, doctest::Approx(136.36).epsilon(1e-4));
  CHECK_EQ(double(macs.decode) / 1e9, doctest::Approx(311.09).epsilon(1e-4));
  // Stable Diffusion 3's: 16 channels, no pointwise convolutions.
  const AutoencoderKLConfig sd3{.latent_channels = 16, .use_quant_conv = false, .use_post_quant_conv = false};
  CHECK_EQ(count_parameters(sd3).total(), 83'819'683);
  CHECK_THROWS_AS(count_macs({}, 256, 250), ShapeError);
}

TEST_CASE("autoencoder kl: counts agree with models of many shapes") {
  const std::vector<AutoencoderKLConfig> configs{
      {.block_out_channels = {4, 8, 8}, .layers_per_block = 2, .norm_num_groups = 2},
      {.in_channels = 1,
       .out_channels = 2,
       .latent_channels = 3,
       .block_out_channels = {6},
       .layers_per_block = 1,
       .norm_num_groups = 3,
       .mid_block_add_attention = false,
       .use_quant_conv = false},
      {.block_out_channels = {8, 4}, .layers_per_block = 3, .norm_num_groups = 4, .latent_statistics = true}};
  for (const AutoencoderKLConfig& config : configs) {
    const AutoencoderKL model = small(config);
    int64_t elements = 0;
    for (const nn::NamedTensor& t : nn::named_tensors(model)) elements += t.tensor.numel();
    CHECK_EQ(count_elements(config), elements);
    CHECK_EQ(count_parameters(config).total(), nn::parameter_count(model));
  }
  // 248 published tensors: those of the defaults' structure, with narrower layers.
  const AutoencoderKL narrow = small({.block_out_channels = {2, 4, 8, 8}, .norm_num_groups = 2});
  CHECK_EQ(kl_names().to_published(nn::named_tensors(narrow)).size(), 248);
}

TEST_CASE("autoencoder kl: every published spelling loads the same model and comes out again") {
  const NoGrad no_grad;
  const AutoencoderKL model = golden_kl("sd3");
  const Tensor x = hashed(Shape{1, 3, 16, 8}, 5);
  const std::vector<nn::NameMap> maps = kl_name_maps(model.config());
  const std::vector<std::pair<std::string, Shape>> spelling{{"encoder.mid_block.attentions.0.to_q.weight", {32, 32}},
                                                            {"encoder.mid_block.attentions.0.query.weight", {32, 32}},
                                                            {"encoder.mid.attn_1.q.weight", {32, 32, 1, 1}}};
  for (size_t i = 0; i < maps.size(); ++i) {
    const std::map<std::string, Tensor> published = maps[i].to_published(nn::named_tensors(model));
    CAPTURE(spelling[i].first);
    REQUIRE(published.count(spelling[i].first) == 1);
    CHECK_EQ(published.at(spelling[i].first).shape(), spelling[i].second);
    AutoencoderKL other = small(model.config());
    const nn::NameMap& found = nn::best_fit(maps, published, nn::named_tensors(other));
    CHECK_EQ(&found, &maps[i]);
    nn::load_state_dict(other, found.to_own(published, nn::named_tensors(other)));
    CHECK(same_bits(other(x), model(x)));
  }
  // The decoder's resolutions are counted from the largest in CompVis's code, those of the encoder too.
  const std::map<std::string, Tensor> compvis = maps[2].to_published(nn::named_tensors(model));
  CHECK_EQ(compvis.at("decoder.up.0.block.0.nin_shortcut.weight").shape(), Shape{8, 16, 1, 1});
  CHECK_EQ(compvis.at("decoder.up.3.upsample.conv.weight").shape(), Shape{32, 32, 3, 3});
  CHECK_EQ(compvis.at("encoder.down.0.downsample.conv.weight").shape(), Shape{8, 8, 3, 3});
  CHECK_EQ(compvis.at("encoder.norm_out.bias").shape(), Shape{32});
}

TEST_CASE("autoencoder kl: slices give the same bits, images that fit in one tile too, and clips are images") {
  const NoGrad no_grad;
  const AutoencoderKL model = small();
  Generator rng(4);
  const Tensor x = rng.normal({3, 3, 12, 8});
  const LatentDistribution z = model.encode(x);
  const Tensor decoded = model.decode(z.mean);
  for (const TilingOptions& options : {TilingOptions{.use_slicing = true}, TilingOptions{.tile_sample_min_size = 16},
                                       TilingOptions{.use_slicing = true, .tile_sample_min_size = 16}}) {
    CHECK(same_bits(model.encode(x, options).mean, z.mean));
    CHECK(same_bits(model.decode(z.mean, options), decoded));
  }
  const Tensor clips = reshape(x, {1, 3, 3, 12, 8});
  CHECK_EQ(model.encode(clips).log_variance.shape(), Shape{1, 3, 4, 6, 4});
  CHECK(same_bits(reshape(model(clips), x.shape()), decoded));
  // Slices of tiles are tiles of slices, up to the rounding of products of other sizes.
  const TilingOptions tiles{.tile_sample_min_size = 8}, both{.use_slicing = true, .tile_sample_min_size = 8};
  CHECK_LT(amax(abs(model.decode(z.mean, both) - model.decode(z.mean, tiles))).item(), 1e-5);
}

TEST_CASE("autoencoder kl: tiles without overlap are images of their own, beside each other") {
  const NoGrad no_grad;
  const AutoencoderKL model = small();
  Generator rng(4);
  const Tensor z = rng.normal({1, 4, 4, 4});
  const Tensor tiled = model.decode(z, {.tile_sample_min_size = 4, .tile_overlap_factor = 0});
  for (int64_t row = 0; row < 2; ++row)
    for (int64_t column = 0; column < 2; ++column) {
      const Tensor alone = model.decode(narrow(narrow(z, 2, 2 * row, 2), 3, 2 * column, 2));
      CHECK(same_bits(contiguous(narrow(narrow(tiled, 2, 4 * row, 4), 3, 4 * column, 4)), alone));
    }
}

TEST_CASE("autoencoder kl: latents for diffusion models, scaled or by stored statistics") {
  const NoGrad no_grad;
  AutoencoderKLConfig config = small().config();
  config.scaling_factor = 1.5, config.shift_factor = .25;
  AutoencoderKL scaled = small(config);
  Generator rng(6);
  const Tensor x = rng.normal({2, 3, 8, 8});
  const Tensor raw = scaled.encode(x).mean, latents = scaled.to_latents(x);
  CHECK(difference(latents, (raw - .25) * 1.5) < 1e-6);
  CHECK(difference(scaled.from_latents(latents), scaled.decode(raw)) < 1e-5);
  CHECK_THROWS_AS(scaled.set_latent_statistics(zeros({4}), ones({4})), ConfigError);
  CHECK_THROWS_AS(scaled.from_latents(zeros({2, 1, 4, 4})), ShapeError);

  config.latent_statistics = true;
  AutoencoderKL stored = small(config);
  CHECK(difference(stored.to_latents(x), latents) < 1e-5);  // until they are measured
  stored.set_latent_statistics(full({4}, .5), full({4}, 2));
  CHECK(difference(stored.to_latents(x), (raw - .5) / 2) < 1e-6);
  CHECK(difference(stored.from_latents(stored.to_latents(x)), stored.decode(raw)) < 1e-5);
  CHECK_THROWS_AS(stored.set_latent_statistics(full({4}, .5), zeros({4})), Error);
}

TEST_CASE("autoencoder kl: the log variance is clamped to [-30, 20]") {
  const NoGrad no_grad;
  AutoencoderKL model = small();
  for (const nn::NamedTensor& p : nn::named_parameters(model)) {
    if (p.name != "quant_conv.bias") continue;
    const float high = 1e3f;
    Tensor bias = p.tensor;
    for (int64_t i = 4; i < 8; ++i) bias.mutable_data<float>()[i] = i % 2 ? high : -high;
  }
  const std::vector<float> values = model.encode(zeros({1, 3, 2, 2})).log_variance.to_vector<float>();
  CHECK(values == std::vector<float>{-30, 20, -30, 20});
}

TEST_CASE("autoencoder kl: starts as PyTorch's layers do") {
  const AutoencoderKL model = small({.block_out_channels = {32, 32}, .norm_num_groups = 4});
  std::map<std::string, Tensor> tensors;
  for (const nn::NamedTensor& t : nn::named_tensors(model)) tensors[t.name] = t.tensor;
  // Uniform in +-b has the standard deviation b / sqrt(3).
  const auto check_uniform = [&](const std::string& name, double fan_in) {
    CAPTURE(name);
    const Tensor& t = tensors.at(name);
    const double bound = 1 / std::sqrt(fan_in);
    CHECK(amax(abs(t)).item() <= bound);
    CHECK(amax(abs(t)).item() > .8 * bound);
    if (t.numel() > 1000) CHECK_EQ(standard_deviation(t).item(), doctest::Approx(bound / std::sqrt(3.)).epsilon(.03));
  };
  check_uniform("encoder.down_blocks.0.resnets.0.conv2.weight", 32 * 9);
  check_uniform("encoder.down_blocks.0.resnets.0.conv2.bias", 32 * 9);
  check_uniform("decoder.mid_block.attentions.0.attn.qkv.weight", 32);
  check_uniform("decoder.mid_block.attentions.0.attn.proj.bias", 32);
  check_uniform("encoder.down_blocks.0.downsamplers.0.conv.bias", 32 * 9);
  CHECK(tensors.at("decoder.conv_norm_out.weight").to_vector<float>() == std::vector<float>(32, 1));
  for (const nn::NamedTensor& p : nn::named_parameters(model)) CHECK(p.tensor.requires_grad());
}

TEST_CASE("autoencoder kl: what does not fit is named, with what does") {
  const AutoencoderKL model = small();
  CHECK_EQ(message_of<ShapeError>([&] { static_cast<void>(model.encode(zeros({1, 3, 7, 8}))); }),
           "[AutoencoderKL] images of 7x8 pixels do not fit: height and width must be multiples of 2; the nearest size "
           "that fits is 8x8");
  CHECK_THROWS_AS(static_cast<void>(model.encode(zeros({1, 4, 8, 8}))), ShapeError);
  CHECK_THROWS_AS(static_cast<void>(model.encode(zeros({3, 8, 8}))), ShapeError);
  CHECK_THROWS_AS(static_cast<void>(model.decode(zeros({1, 3, 8, 8}))), ShapeError);
  CHECK_THROWS_AS(static_cast<void>(model.decode(zeros({1, 4, 4, 4}), {.tile_sample_min_size = 3})), ConfigError);
  CHECK_THROWS_AS(static_cast<void>(model.decode(zeros({1, 4, 4, 4}), {.tile_sample_min_size = 6})), ConfigError);
  CHECK_THROWS_AS(
      static_cast<void>(model.decode(zeros({1, 4, 4, 4}), {.tile_sample_min_size = 8, .tile_overlap_factor = 1})),
      ConfigError);

  const auto refused = [](auto change) {
    AutoencoderKLConfig config;
    change(config);
    return message_of<ConfigError>([&] { config.validate(); });
  };
  CHECK(refused([](auto&) {}).empty());
  CHECK(refused([](auto& c) { c.block_out_channels = {}; }).find("block_out_channels") != std::string::npos);
  CHECK(refused([](auto& c) { c.block_out_channels = {128, 100}; }).find("32, got 100") != std::string::npos);
  CHECK(refused([](auto& c) { c.layers_per_block = 0; }).find("layers_per_block") != std::string::npos);
  CHECK(refused([](auto& c) { c.scaling_factor = 0; }).find("scaling_factor") != std::string::npos);
  CHECK(refused([](auto& c) { c.shift_factor = NAN; }).find("shift_factor") != std::string::npos);
}
