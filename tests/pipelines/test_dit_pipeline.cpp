// Images from published weights: the models of tests/golden/zoo through DiTPipeline and through `zoo sample`.
#include <doctest/doctest.h>

#include <filesystem>
#include <functional>

#include <ditharos/autograd/ops.h>
#include <ditharos/data/codecs/png.h>
#include <ditharos/models/samplers/sampler.h>
#include <ditharos/pipelines/dit_pipeline.h>
#include <ditharos/tensor/io/weights_file.h>
#include "tests/examples/zoo_golden.h"
#include "tests/support/run_program.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::pipelines;
using namespace ditharos::tests;

namespace {

DiTFiles files_of(const std::string& transformer, const std::string& autoencoder = "") {
  const ZooGolden golden = zoo_golden(transformer);
  DiTFiles files{.transformer = golden.weights,
                 .transformer_hints = {.config = models::JsonObject::load(golden.config)}};
  if (autoencoder.empty()) return files;
  files.autoencoder = zoo_golden(autoencoder).weights;
  files.autoencoder_hints.config = models::JsonObject::load(zoo_golden(autoencoder).config);
  return files;
}

/// Arguments of zoo sample for golden models, with few steps.
Arguments sample_arguments(const std::string& transformer, const std::string& autoencoder, const std::string& out,
                           const Arguments& others) {
  const ZooGolden golden = zoo_golden(transformer);
  Arguments arguments{"sample", "--weights", golden.weights, "--config", golden.config, "--steps", "3", "--out", out};
  if (!autoencoder.empty()) {
    const ZooGolden decoder = zoo_golden(autoencoder);
    arguments.insert(arguments.end(), {"--autoencoder", decoder.weights, "--autoencoder-config", decoder.config});
  }
  arguments.insert(arguments.end(), others.begin(), others.end());
  return arguments;
}

std::string refusal_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "no ConfigError";
}

void check_refusal(const std::function<void()>& f, const std::string& text) {
  const std::string refusal = refusal_of(f);
  INFO(refusal);
  CHECK(refusal.find(text) != std::string::npos);
}

}  // namespace

TEST_CASE("DiT pipeline: latents are those of the published process, and images those of the autoencoder") {
  auto pipeline = DiTPipeline::from_weights(files_of("dit_pixels", "autoencoder_kl"));
  CHECK(pipeline.process().kind == models::ProcessKind::gaussian);
  CHECK(pipeline.process().gaussian.variance == models::Variance::fixed_large);  // it learns none
  CHECK(pipeline.sampler().kind == models::SamplerKind::ddpm);
  CHECK(pipeline.sampler().guidance.scale == 4);
  models::SamplerConfig sampler{.kind = models::SamplerKind::ddim, .steps = 3, .guidance = {.scale = 2}};
  pipeline.set_sampler(sampler);
  const ImageRequest request{.classes = {2, 0}, .seed = 3};
  const Tensor latents = pipeline.latents(request), images = pipeline.decode(latents);
  CHECK(latents.shape() == Shape{2, 3, 12, 12});
  CHECK(images.shape() == Shape{2, 3, 24, 24});
  // The same by hand, from the network that zoo run compares with its reference.
  const models::Network network = [&](const Tensor& x, const Tensor& t, const Tensor& y) {
    return pipeline.transformer()(x, t, y);
  };
  Generator rng(0);
  const Tensor expected =
      models::sample(pipeline.process(), sampler, network, from_vector<int64_t>({2, 0}), scalar(3, DType::i64),
                     request_noise(pipeline.transformer().config(), request), rng);
  CHECK(share_of_largest(latents, expected) < 1e-6);
  const NoGrad no_grad;
  CHECK(share_of_largest(images, pipeline.autoencoder()->decode(expected * (1 / .18215))) < 1e-5);
}

TEST_CASE("DiT pipeline: SiT samples from its flow, without the channels that it does not use") {
  const DiTFiles files = files_of("sit");
  const Weights weights = load_weights(files.transformer);
  const auto model = models::PublishedModel::from_tensors(weights.tensors, files.transformer_hints);
  const models::DiffusionConfig process = published_process(model.description());
  CHECK(process.kind == models::ProcessKind::flow);
  CHECK(process.flow.time_scale == 1);
  CHECK(published_sampler(model.description()).kind == models::SamplerKind::dopri5);
  const auto& transformer = dynamic_cast<const models::DiT&>(model.module());
  const models::SamplerConfig euler{.kind = models::SamplerKind::euler, .steps = 1};
  const ImageRequest request{.classes = {1}};
  const Tensor noise = request_noise(transformer.config(), request);
  const Tensor sampled = sample_images(transformer, process, euler, request);
  const NoGrad no_grad;
  const Tensor velocity = transformer(noise, zeros({1}), from_vector<int64_t>({1}));  // [1, 8, 8, 8]
  CHECK(share_of_largest(sampled, noise + slice(velocity, 1, 0, 4)) < 1e-6);
}

TEST_CASE("DiT pipeline: parameters are the tensors of the file, of safetensors and of PyTorch") {
  for (const char* name : {"dit", "sit"}) {
    CAPTURE(name);
    const DiTFiles files = files_of(name);
    const Weights weights = load_weights(files.transformer);
    const auto model = models::PublishedModel::from_tensors(weights.tensors, files.transformer_hints);
    size_t shared = 0;
    for (const auto& [own, tensor] : nn::named_tensors(model.module())) {
      for (const auto& [published, given] : weights.tensors) shared += tensor.storage() == given.storage();
    }
    CHECK(shared == weights.tensors.size());
  }
}

TEST_CASE("DiT pipeline: combinations that do not fit are refused") {
  const auto load = [](const DiTFiles& files) { return [files] { (void)DiTPipeline::from_weights(files); }; };
  check_refusal(load(files_of("dit")), "4 channels of the transformer are latents");
  check_refusal(load(files_of("dit", "autoencoder_kl")), "latents of 4 channels, and those of the autoencoder have 3");
  check_refusal(load(files_of("dit_pixels", "dit")), "those of a DiT, not of an AutoencoderKL");
  check_refusal(load(files_of("pixart")), "a PixArt with texts needs the features of a text encoder");
  check_refusal(load(files_of("sd3")), "a SD3 with texts needs the features of a text encoder");
  check_refusal(load(files_of("latte_class")), "samples clips");
  check_refusal(load(files_of("lightningdit")), "normalised by statistics");
  check_refusal(load(files_of("autoencoder_kl")), "no diffusion model");
  check_refusal(load(files_of("t5")), "no diffusion model");
  auto pipeline = DiTPipeline::from_weights(files_of("dit_pixels"));
  check_refusal([&] { pipeline.set_sampler({.kind = models::SamplerKind::dopri5}); }, "dopri5");
  check_refusal([&] { (void)pipeline.latents({.classes = {3}}); }, "class 3 is not in 0..2");
}

TEST_CASE("zoo sample writes one PNG, the same each time") {
  const TemporaryFolder folder;
  const auto sampled = [&](const std::string& out, const Arguments& others) {
    Arguments arguments{"--classes", "2,0", "--per-class", "2", "--sampler", "ddim"};
    arguments.insert(arguments.end(), others.begin(), others.end());
    const Outcome outcome = run_program("zoo", sample_arguments("dit_pixels", "autoencoder_kl", out, arguments));
    INFO(outcome.output);
    CHECK(outcome.status == 0);
    CHECK(outcome.output.find("4 images of 24x24: load ") != std::string::npos);
    return data::read_png(out, 3);
  };
  const Tensor grid = sampled(folder / "a.png", {});
  CHECK(grid.shape() == Shape{3, 54, 54});  // 2 x 2 images of 24 pixels, and 3 x 2 of padding
  CHECK(share_of_largest(sampled(folder / "b.png", {"--threads", "1"}), grid) == 0);
  CHECK(share_of_largest(sampled(folder / "c.png", {"--seed", "1"}), grid) > 0);
  CHECK(share_of_largest(sampled(folder / "d.png", {"--guided-channels", "1"}), grid) > 0);
  const Outcome one = run_program("zoo", sample_arguments("dit_pixels", "", folder / "e.png", {"--classes", "1"}));
  CHECK_MESSAGE(one.status == 0, one.output);
  CHECK(data::read_png(folder / "e.png", 3).shape() == Shape{3, 12, 12});  // one image, as it is
}

TEST_CASE("zoo sample: what does not fit ends with status 2 and one sentence") {
  const TemporaryFolder folder;
  const std::string out = folder / "out.png";
  const auto check_refused = [&](const Arguments& arguments, const std::string& text) {
    const Outcome outcome = run_program("zoo", arguments);
    INFO(outcome.output);
    CHECK(outcome.status == 2);
    CHECK(outcome.output.find(text) != std::string::npos);
    CHECK(outcome.output.find('\n') == outcome.output.size() - 1);
  };
  check_refused({"sample", "--out", out}, "needs --weights");
  check_refused(sample_arguments("dit", "", out, {"--classes", "1"}), "latents");
  check_refused(sample_arguments("dit", "autoencoder_kl", out, {"--classes", "1"}), "latents of 4 channels");
  check_refused(sample_arguments("pixart", "", out, {}), "text encoder");
  check_refused(sample_arguments("dit_pixels", "", out, {}), "the model has 3 classes");
  check_refused(sample_arguments("dit_pixels", "", out, {"--classes", "7"}), "class 7 is not in 0..2");
  check_refused(sample_arguments("dit_pixels", "", out, {"--classes", "1", "--sampler", "heun"}), "heun");
  check_refused(sample_arguments("dit_pixels", "", folder / "out.jpg", {"--classes", "1"}), ".png");
  check_refused(sample_arguments("dit_pixels", "", zoo_golden("dit_pixels").weights, {"--classes", "1"}), "--out");
  CHECK_FALSE(std::filesystem::exists(out));
}
