// What image models are conditioned on, and the autoencoders of their latents.
#include <doctest/doctest.h>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/data/datasets/dataset.h>
#include <ditharos/models/zoo/published_model.h>
#include <ditharos/nn/state_dict.h>
#include <ditharos/pipelines/image_parts.h>
#include <ditharos/pipelines/prompts.h>
#include <ditharos/pipelines/stored/stored_autoencoder.h>
#include <ditharos/tensor/io/safetensors.h>
#include "tests/support/data_files.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::pipelines;
using tests::contains;
using tests::message_of;
using tests::TemporaryFolder;

namespace {

data::Dataset images(bool classes, std::vector<std::string> captions) {
  Tensor pixels = full({3, 1, 2, 2}, 7, DType::u8);
  if (!classes) return {pixels, Tensor{}, {}, std::move(captions)};
  return {pixels, from_vector(std::vector<int64_t>{0, 1, 1}), {"bag", "boot"}, std::move(captions)};
}

ImageParts parts_of(const data::Dataset& source, ImageCondition wanted) {
  return new_image_parts(source, wanted, 300, 100);
}

/// An AutoencoderKL of 2-channel latents under diffusers' names, with these factors in its config.json.
void write_published(const std::string& folder) {
  models::AutoencoderKLConfig config{.latent_channels = 2,
                                     .block_out_channels = {8, 8},
                                     .layers_per_block = 1,
                                     .norm_num_groups = 4,
                                     .scaling_factor = .3,
                                     .shift_factor = .1};
  models::PublishedModel model({.family = models::ModelFamily::autoencoder_kl,
                                .config = config,
                                .layout = models::Layout::diffusers,
                                .name = "",
                                .notes = {}});
  Generator rng(4);
  models::TensorsByName tensors;
  for (const auto& [name, tensor] : model.tensors(models::Layout::diffusers))
    tensors[name] = rng.normal(tensor.shape()) * .2;
  safetensors::save(folder + "/diffusion_pytorch_model.safetensors", tensors, {});
  tests::write_bytes(folder + "/config.json",
                     "{\"_class_name\": \"AutoencoderKL\", \"norm_num_groups\": 4, "
                     "\"scaling_factor\": 0.3, \"shift_factor\": 0.1}");
}

}  // namespace

TEST_CASE("image parts: classes come before captions, and captions before nothing") {
  const data::Dataset both = images(true, {"a red bag", "a boot", "an old boot"}), classes = images(true, {}),
                      captions = images(false, {"a", "b", "c"}), none = images(false, {});
  CHECK(parts_of(both, ImageCondition::automatic).class_names.size() == 2);
  CHECK(!parts_of(both, ImageCondition::automatic).tokenizer);
  CHECK(parts_of(both, ImageCondition::text).class_names.empty());
  CHECK(parts_of(both, ImageCondition::text).tokenizer->unknown_words("a red cat") == std::vector<std::string>{"cat"});
  CHECK(parts_of(captions, ImageCondition::automatic).tokenizer);
  CHECK(!parts_of(captions, ImageCondition::none).tokenizer);
  CHECK(parts_of(classes, ImageCondition::text).tokenizer);  // of the names of the classes
  CHECK(!parts_of(none, ImageCondition::automatic).tokenizer);
  CHECK(contains(message_of<ConfigError>([&] { parts_of(captions, ImageCondition::classes); }),
                 "condition = \"class\" needs images with classes, and these have none"));
  CHECK(contains(message_of<ConfigError>([&] { parts_of(none, ImageCondition::text); }),
                 "condition = \"text\" needs images with captions, and the first 3 have none"));
}

TEST_CASE("image parts: the conditions of a batch, and the checkpoint's metadata") {
  const data::Dataset source = images(true, {"a red bag", "a boot", "an old boot"});
  const data::Batch batch = data::read_batch(source, {1, 2, 2}, {2, 0});
  for (const ImageCondition wanted : {ImageCondition::classes, ImageCondition::text, ImageCondition::none}) {
    const ImageParts parts = parts_of(source, wanted);
    const models::DiTConfig model = fitted({.text = {.length = 9}}, parts);
    const Tensor conditions = conditions_of(parts, model, batch);
    if (wanted == ImageCondition::classes) {
      CHECK(conditions.to_vector<int64_t>() == std::vector<int64_t>{1, 0});
    } else if (wanted == ImageCondition::text) {
      CHECK(conditions.shape() == Shape{2, 9});
      CHECK(conditions.to_vector<int64_t>() ==
            encode_prompts(*parts.tokenizer, {"an old boot", "a red bag"}, 9).to_vector<int64_t>());
      CHECK(null_condition(parts, model).to_vector<int64_t>() ==
            std::vector<int64_t>{data::Tokenizer::start, 0, 0, 0, 0, 0, 0, 0, 0});
    } else {
      CHECK(!conditions.defined());
    }
    training::TrainState state;
    describe_image_checkpoint(state, model, parts);
    const ImageParts read = read_image_parts(state.metadata, "a.ckpt");
    CHECK(read.class_names == parts.class_names);
    CHECK(read.tokenizer.has_value() == parts.tokenizer.has_value());
    if (read.tokenizer) CHECK(read.tokenizer->to_text() == parts.tokenizer->to_text());

    auto damaged = state.metadata;
    damaged["classes"] = "x";
    CHECK(contains(message_of<IoError>([&] { static_cast<void>(read_image_parts(damaged, "a.ckpt")); }),
                   "\"a.ckpt\" does not say the classes of its images"));
    damaged["classes"] = "99999999999";
    CHECK_THROWS_AS(static_cast<void>(read_image_parts(damaged, "a.ckpt")), IoError);
    damaged["classes"] = "2";
    damaged["tokenizer"] = "nonsense\n";
    CHECK(contains(message_of<IoError>([&] { static_cast<void>(read_image_parts(damaged, "a.ckpt")); }),
                   "cannot use the tokenizer in \"a.ckpt\""));
  }
}

TEST_CASE("stored autoencoder: published weights are loaded with their factors, and built again from a description") {
  const TemporaryFolder folder;
  write_published(folder.path());
  const LoadedAutoencoder loaded = load_image_autoencoder(folder.path());
  const AutoencoderArchitecture read = read_autoencoder_architecture(loaded.description, "a.ckpt");
  CHECK(read.is_published);
  CHECK(read.published.scaling_factor == .3);
  CHECK(read.published.shift_factor == .1);
  CHECK(read.published.block_out_channels == std::vector<int64_t>{8, 8});
  models::Autoencoder again = read.build();
  nn::load_state_dict(again, nn::named_tensors(loaded.model));
  int64_t elements = 0;
  for (const auto& t : nn::named_tensors(again)) elements += t.tensor.numel();
  CHECK(read.elements() == elements);

  const NoGrad no_grad;
  const Tensor image = clamp(Generator(2).normal({1, 1, 3, 4, 6}), -1, 1);
  const Tensor latents = loaded.model.to_latents(image);
  CHECK(latents.shape() == Shape{1, 1, 2, 2, 3});
  CHECK(norm(latents - (loaded.model.encode(image).mean - .1) * .3).item() < 1e-5);
  CHECK(again.to_latents(image).to_vector<float>() == latents.to_vector<float>());
}

TEST_CASE("stored autoencoder: files that hold none are refused by name") {
  const TemporaryFolder folder;
  safetensors::save(folder / "other.safetensors", {{"weight", ones({2, 2})}}, {});
  const std::string other = folder / "other.safetensors";
  CHECK(contains(message_of<ConfigError>([&] { static_cast<void>(load_image_autoencoder(other)); }),
                 "cannot use " + other + " as an autoencoder: "));
  CHECK_THROWS_AS(static_cast<void>(load_image_autoencoder(folder / "none")), Error);
  CHECK_THROWS_AS(static_cast<void>(read_autoencoder_architecture("{\"latent_channels\": 0}", "a.ckpt")), ConfigError);
  CHECK_THROWS_AS(static_cast<void>(read_autoencoder_architecture("{", "a.ckpt")), Error);
}
