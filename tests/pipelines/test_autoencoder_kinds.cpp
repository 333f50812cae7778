// Both kinds of autoencoders, from train_autoencoder to a video model on their latents.
#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/models/dit/presets.h>
#include <ditharos/nn/module.h>
#include <ditharos/pipelines/video_parts.h>
#include "tests/support/run_program.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::tests;
using models::AutoencoderKind;

namespace {

Arguments small_training(const std::string& out, const Arguments& more) {
  Arguments arguments{
      "--width",     "4",      "--max-width",  "8", "--groups",  "2", "--latent-channels", "2", "--stages",       "2",
      "--shapes",    "2x8x12", "--batch-size", "2", "--warmup",  "1", "--steps",           "3", "--sample-every", "0",
      "--log-every", "1",      "--out",        out, "--threads", "1"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

std::set<std::string> names_of(const nn::ModuleBase& model) {
  std::set<std::string> names;
  for (const nn::NamedTensor& t : nn::named_tensors(model)) names.insert(t.name);
  return names;
}

}  // namespace

TEST_CASE("autoencoder kinds: train_autoencoder trains either, which is loaded again") {
  const TemporaryFolder folder;
  struct Case {
    std::string kind, tensor;
    AutoencoderKind is;
  };
  for (const Case& c : {Case{"video", "encoder_blocks.0.conv1.weight", AutoencoderKind::video},
                        Case{"kl", "encoder.mid_block.attentions.0.attn.qkv.weight", AutoencoderKind::kl}}) {
    CAPTURE(c.kind);
    const std::string out = folder.path() + "/" + c.kind;
    const Outcome run =
        run_program("train_autoencoder", small_training(out, {"--kind", c.kind, "--reconstruction", "l1"}));
    REQUIRE_MESSAGE(run.status == 0, run.output);
    const pipelines::TrainedAutoencoder trained = pipelines::load_autoencoder(out);
    CHECK_EQ(trained.step, 3);
    CHECK(trained.config.kind == c.is);
    CHECK_EQ(names_of(trained.model).count(c.tensor), 1);

    // The latents are normalised by statistics that the training measured.
    const NoGrad no_grad;
    Generator rng(1);
    const Tensor clips = clamp(rng.normal({1, 2, 3, 8, 12}), -1, 1);
    const Tensor latents = trained.model.to_latents(clips);
    CHECK_EQ(latents.shape(), Shape{1, 2, 2, 2, 3});
    CHECK(amax(abs(latents - trained.model.encode(clips).mean)).item() > 1e-3);
    CHECK(std::isfinite(sum(latents).item()));

    // A video model of these latents holds it, as its description says.
    pipelines::VideoParts parts{data::Tokenizer::train({"a bag falls"}, 300), trained.config, trained.description};
    models::DiTConfig config = models::video_dit_preset();
    config.patch = {1, 1, 1}, config.hidden = 12, config.depth = 1, config.heads = 2;
    config.text.width = 8, config.text.depth = 1, config.text.heads = 2;
    const models::LatentDiT model = pipelines::build_video_model(config, parts, 2, &trained.model);
    CHECK(amax(abs(model.to_latents(clips) - latents)).item() == 0);
    CHECK(names_of(model).count("autoencoder." + c.tensor) == 1);
    const models::LatentDiT empty = pipelines::build_video_model(config, parts, 2);
    CHECK(names_of(empty) == names_of(model));
  }
}

TEST_CASE("autoencoder kinds: an AutoencoderKL refuses settings of clips, in one sentence") {
  const TemporaryFolder folder;
  const Outcome run =
      run_program("train_autoencoder", small_training(folder.path() + "/kl", {"--kind", "kl", "--time-stride", "2"}));
  CHECK_EQ(run.status, 2);
  CHECK_MESSAGE(run.output.find("time_stride must be 1, got 2") != std::string::npos, run.output);
}
