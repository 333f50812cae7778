// Clips from stored models: prompts, shapes, noise, tasks, checkpoints and exports.
#include <doctest/doctest.h>

#include <filesystem>
#include <optional>
#include <string>

#include <ditharos/autograd/ops.h>
#include <ditharos/data/datasets/clips/open_clips.h>
#include <ditharos/pipelines/clip_shapes.h>
#include <ditharos/pipelines/prompts.h>
#include <ditharos/pipelines/video_pipeline.h>
#include <ditharos/tensor/io/file.h>
#include "examples/cli/options/autoencoder_settings.h"
#include "examples/cli/options/video_settings.h"
#include "tests/support/data_files.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::pipelines;
using tests::contains;
using tests::message_of;

namespace {

const data::Tokenizer& tokenizer() {
  static const data::Tokenizer trained =
      data::Tokenizer::train({"a red sneaker drifts left", "a boot falls through a night sky"}, 300);
  return trained;
}

/// A tiny model on latents, as train_video would store it.
struct Stored {
  examples::AutoencoderSettings autoencoder;
  examples::VideoSettings run;
  pipelines::VideoParts parts{tokenizer(), std::nullopt, ""};
  std::string configuration;
  std::optional<models::LatentDiT> model;

  Stored() {
    examples::Settings of_autoencoder("", ""), of_video("", "");
    describe(of_autoencoder, autoencoder);
    autoencoder.model.sizes = {.latent_channels = 2, .width = 4, .max_width = 4, .groups = 2, .stages = 1};
    describe(of_video, run);
    run.model.hidden = 12;
    run.model.depth = 1;
    run.model.heads = 2;
    run.model.text.width = 8;
    run.model.text.depth = 1;
    run.model.text.heads = 2;
    configuration = of_video.to_toml();
    parts.autoencoder = autoencoder.model;
    parts.autoencoder_description = of_autoencoder.to_toml();
    Generator rng(1);
    const models::Autoencoder random(autoencoder.model, rng);
    model.emplace(build_video_model(run.model, parts, 2, &random));
    // The last layer starts as zero; other numbers show what is stored.
    for (const auto& [name, tensor] : nn::named_parameters(*model)) {
      const std::vector<float> noise = rng.normal(tensor.shape()).to_vector<float>();
      for (size_t i = 0; i < noise.size(); ++i) tensor.mutable_data<float>()[i] += .1f * noise[i];
    }
  }
  std::string save(const std::string& folder) {
    training::TrainState state;
    state.step = 7;
    state.model = nn::named_tensors(*model);
    state.configuration = configuration;
    describe_video_checkpoint(state, parts);
    const std::string path = folder + "/video.ckpt";
    training::save_checkpoint(path, state);
    return path;
  }
};

Tensor velocity(const models::LatentDiT& model) {
  Generator rng(9);
  const Tensor x = rng.normal({1, 2, 2, 4, 4});
  return model(x, full({1}, 500), encode_prompts(tokenizer(), {"a red boot"}, 24)).detach();
}

}  // namespace

TEST_CASE("video pipeline: prompts and captions as tokens") {
  CHECK(contains(message_of<ConfigError>([] { encode_prompts(tokenizer(), {"  "}, 24); }), "is empty"));
  CHECK(contains(message_of<ConfigError>([] { encode_prompts(tokenizer(), {"a boot falls a boot falls"}, 4); }),
                 "it takes 7 tokens, and the model reads 4"));
  CHECK_EQ(encode_captions(tokenizer(), {"a boot falls a boot falls", "a"}, 4).shape(), Shape{2, 4});
  CHECK_EQ(null_prompt(tokenizer(), 3).to_vector<int64_t>(), std::vector<int64_t>{1, 0, 0});

  const auto made = data::open_clips("moving-garments", data::ClipUse::training);
  const auto taught = data::Tokenizer::train({made->caption(0), made->caption(1), made->caption(2)}, 600);
  const std::vector<std::string> first = first_captions(*made, taught, 400, 3);
  CHECK(first == std::vector<std::string>{made->caption(0), made->caption(1), made->caption(2)});
  for (const std::string& caption : first_captions(*made, taught, 12, 4)) CHECK_LE(taught.encode(caption).size(), 12);
  CHECK(message_of<ConfigError>([&] { first_captions(*made, taught, 1, 4); }) ==
        "none of the first 1000 captions fits into prompt_length = 1 tokens, so the model would read no caption to its "
        "end");
}

TEST_CASE("video pipeline: a model from its checkpoint and from its export") {
  const tests::TemporaryFolder folder;
  Stored stored;
  const std::string checkpoint = stored.save(folder.path());
  auto trained = VideoPipeline::from_pretrained(checkpoint);
  CHECK_EQ(trained.step(), 7);
  CHECK(trained.config().model == stored.model->dit().config());
  CHECK_EQ(trained.tokenizer().to_text(), tokenizer().to_text());
  const Tensor v = velocity(*stored.model);
  CHECK(velocity(trained.model()).to_vector<float>() == v.to_vector<float>());

  const std::string file = folder.path() + "/small.safetensors";
  const int64_t bytes = trained.save(file);
  CHECK_EQ(bytes, int64_t(std::filesystem::file_size(file)));
  auto again = VideoPipeline::from_pretrained(file);
  CHECK_EQ(again.step(), 7);
  CHECK(norm(velocity(again.model()) - v).item() < .02 * norm(v).item());  // bf16
  for (const auto& [name, tensor] : nn::named_tensors(trained.trainable_model()))
    for (const auto& [other, copy] : nn::named_tensors(again.trainable_model()))
      if (name == other && name.starts_with("autoencoder."))
        CHECK(tensor.to_vector<float>() == copy.to_vector<float>());
  // What was loaded from an export can be exported again, to the same bytes.
  again.save(folder.path() + "/again.safetensors");
  CHECK(read_file(folder.path() + "/again.safetensors", bytes) == read_file(file, bytes));

  CHECK_THROWS_AS(trained.save(folder.path() + "/model.bin"), ConfigError);
  CHECK_THROWS_AS(VideoPipeline::from_pretrained(folder.path() + "/none.safetensors"), IoError);
  std::filesystem::resize_file(file, 1000);
  CHECK_THROWS_AS(VideoPipeline::from_pretrained(file), IoError);
}

TEST_CASE("video pipeline: the shapes of clips that a model can generate") {
  Stored stored;
  const models::LatentDiT& model = *stored.model;  // strides 1x2x2, patches 1x2x2
  check_clip_shape(model, {3, 8, 12}, "--size");
  const std::string size = message_of<ConfigError>([&] { check_clip_shape(model, {3, 30, 13}, "--size"); });
  CHECK_MESSAGE(contains(size, "the nearest that fits is 3 frames of 32x12"), size);
  const std::string many = message_of<ConfigError>([&] { check_clip_shape(model, {4000, 32, 32}, "--frames"); });
  CHECK_MESSAGE(contains(many, "128 frames of this size"), many);
  CHECK_THROWS_AS(check_clip_shape(model, {1, 4096, 4096}, "--size"), ConfigError);
}

TEST_CASE("video pipeline: a clip's noise depends on the seed and its number") {
  Stored stored;
  const Tensor two = noise_for(*stored.model, {2, 8, 8}, 2, Generator(5)),
               one = noise_for(*stored.model, {2, 8, 8}, 1, Generator(5));
  CHECK_EQ(two.shape(), Shape{2, 2, 2, 4, 4});
  CHECK_EQ(slice(two, 0, 0, 1).to_vector<float>(), one.to_vector<float>());
  CHECK(slice(two, 0, 1, 2).to_vector<float>() != one.to_vector<float>());
}

TEST_CASE("video pipeline: every task gives clips of the right shape, with the conditioning frames") {
  Stored stored;
  models::LatentDiT& model = *stored.model;
  nn::set_training(model, false);
  models::SamplerConfig sampler = stored.run.sampler;
  sampler.steps = 2;
  const std::vector<std::string> prompts = {"a red boot", "a sneaker drifts left"};
  const auto sample = [&](const ClipRequest& request) {
    return sample_clips(model, tokenizer(), stored.run.flow.flow, sampler, prompts, request);
  };
  const auto frames = [](const Tensor& clips, int64_t begin, int64_t end) {
    return slice(clips, 1, begin, end).to_vector<float>();
  };
  const data::SampleShape shape{4, 8, 12};
  Generator rng(3);
  const Tensor clip = rng.uniform({6, 3, 8, 12}) * 2.0 - 1.0, image = slice(clip, 0, 0, 1);
  // Conditioning frames are returned as the autoencoder reconstructs them, for both prompts.
  const Tensor one = model.from_latents(model.to_latents(unsqueeze(clip, 0)));
  const Tensor known = cat({one, one}, 0);

  const Tensor made = sample({.shape = shape, .seed = 1});
  CHECK_EQ(made.shape(), Shape{2, 4, 3, 8, 12});
  CHECK(made.to_vector<float>() == sample({.shape = shape, .seed = 1}).to_vector<float>());
  CHECK(made.to_vector<float>() != sample({.shape = shape, .seed = 2}).to_vector<float>());

  const Tensor moved = sample({.shape = shape, .first = image, .last = slice(clip, 0, 5, 6)});
  CHECK_EQ(moved.shape(), Shape{2, 4, 3, 8, 12});
  CHECK(frames(moved, 0, 1) == frames(known, 0, 1));
  CHECK(frames(moved, 3, 4) == frames(known, 5, 6));

  const Tensor longer = sample({.shape = shape, .task = ClipTask::extend_forwards, .clip = clip});
  CHECK_EQ(longer.size(1), 6 + 4 - 1);  // a quarter of four frames is shown
  CHECK(frames(longer, 0, 6) == frames(known, 0, 6));
  const Tensor earlier = sample({.shape = shape, .task = ClipTask::extend_backwards, .clip = clip});
  CHECK_EQ(earlier.size(1), 6 + 4 - 1);
  CHECK(frames(earlier, 3, 9) == frames(known, 0, 6));

  const ClipRequest redraw{.shape = {6, 8, 12}, .task = ClipTask::redraw, .clip = clip, .strength = 0};
  CHECK(frames(sample(redraw), 0, 6) == frames(known, 0, 6));
  CHECK_EQ(sample({.shape = {6, 8, 12}, .task = ClipTask::loop}).shape(), Shape{2, 6, 3, 8, 12});
  CHECK_THROWS_AS(sample({.shape = {2, 8, 12}, .task = ClipTask::loop}), ConfigError);

  std::vector<double> shares;
  sample_clips(model, tokenizer(), stored.run.flow.flow, sampler, prompts, {.shape = shape},
               [&](double share, int64_t first, const Tensor&) { shares.push_back(share + double(first)); });
  CHECK(shares == std::vector<double>{.5, 1});
}
