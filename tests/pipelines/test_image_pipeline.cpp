// Images from stored models.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <ditharos/autograd/ops.h>
#include <ditharos/pipelines/image_pipeline.h>
#include "examples/cli/options/dit_settings.h"
#include "tests/support/data_files.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::pipelines;
using tests::contains;
using tests::message_of;

namespace {

/// A tiny model, as train_dit would store it.
std::string save_model(const std::string& path, int64_t classes) {
  examples::DiTSettings run;
  examples::Settings settings("", "");
  describe(settings, run);
  run.model.hidden = 16;
  run.model.depth = 1;
  run.model.heads = 2;
  run.sampler.steps = 2;
  run.model.height = run.model.width = 8;
  run.model.classes = classes;
  Generator rng(1);
  models::DiT model(run.model, rng);
  for (const auto& [name, tensor] : nn::named_parameters(model)) {
    const std::vector<float> noise = rng.normal(tensor.shape()).to_vector<float>();
    for (size_t i = 0; i < noise.size(); ++i) tensor.mutable_data<float>()[i] += .1f * noise[i];
  }
  training::TrainState state;
  state.step = 5;
  state.configuration = settings.to_toml();
  state.model = nn::named_tensors(model);
  describe_image_checkpoint(state, run.model, {.class_names = {"bag", "boot"}});
  training::save_checkpoint(path, state);
  return path;
}

std::vector<float> numbers(const Tensor& images, int64_t begin, int64_t end) {
  return slice(images, 0, begin, end).to_vector<float>();
}

}  // namespace

TEST_CASE("image pipeline: a model from its checkpoint, and images of the classes asked for") {
  const tests::TemporaryFolder folder;
  const auto pipeline = ImagePipeline::from_pretrained(save_model(folder / "a.ckpt", 3));
  CHECK_EQ(pipeline.step(), 5);
  CHECK(pipeline.path() == folder / "a.ckpt");
  CHECK(pipeline.class_names() == std::vector<std::string>{"bag", "boot", "2"});
  CHECK_EQ(pipeline.sampler().steps, 2);

  const ImageRequest all{.per_class = 2, .seed = 4};
  CHECK(pipeline.labels(all) == std::vector<int64_t>{0, 0, 1, 1, 2, 2});
  CHECK_EQ(pipeline.count(all), 6);
  const Tensor images = pipeline(all);
  CHECK_EQ(images.shape(), Shape{6, 1, 8, 8});
  CHECK(images.to_vector<float>() == pipeline(all).to_vector<float>());
  CHECK(images.to_vector<float>() != pipeline({.per_class = 2, .seed = 5}).to_vector<float>());

  // An image is the same whichever other classes are asked for; a class that comes again gets others.
  const ImageRequest some{.classes = {2, 0, 2}, .per_class = 2, .seed = 4};
  CHECK(pipeline.labels(some) == std::vector<int64_t>{2, 2, 0, 0, 2, 2});
  const Tensor chosen = pipeline(some);
  for (int64_t i = 0; i < 2; ++i) {
    CHECK(norm(slice(chosen, 0, i, i + 1) - slice(images, 0, 4 + i, 5 + i)).item() < 1e-4);
    CHECK(norm(slice(chosen, 0, 2 + i, 3 + i) - slice(images, 0, i, 1 + i)).item() < 1e-4);
  }
  CHECK(numbers(chosen, 0, 2) != numbers(chosen, 4, 6));

  std::vector<double> shares;
  pipeline(all, [&](double share) { shares.push_back(share); });
  CHECK(shares == std::vector<double>{.5, 1});
}

TEST_CASE("image pipeline: a model without classes makes as many images as asked for") {
  const tests::TemporaryFolder folder;
  const auto pipeline = ImagePipeline::from_pretrained(save_model(folder / "a.ckpt", 0));
  CHECK(pipeline.labels({.per_class = 3}).empty());
  CHECK_EQ(pipeline({.per_class = 2}).size(0), 4);
  CHECK_EQ(pipeline({.per_class = 2, .unconditional = 5}).size(0), 5);
  CHECK(message_of<ConfigError>([&] { pipeline({.classes = {0}}); }) == "the model was trained without classes");
}

TEST_CASE("image pipeline: what does not fit is refused") {
  const tests::TemporaryFolder folder;
  auto pipeline = ImagePipeline::from_pretrained(save_model(folder / "a.ckpt", 3));
  CHECK(message_of<ConfigError>([&] { pipeline({.classes = {3}}); }) == "class 3 is not in 0..2");
  CHECK(message_of<ConfigError>([&] { pipeline({.per_class = 0}); }).find("got 0") != std::string::npos);
  CHECK(contains(message_of<ConfigError>([&] { pipeline.set_sampler({.kind = models::SamplerKind::ddim}); }),
                 "sampler = \"ddim\" does not go with objective = \"flow\""));
  CHECK(pipeline.sampler().kind == models::SamplerKind::euler);
  CHECK_THROWS_AS(ImagePipeline::from_pretrained(folder / "none.ckpt"), IoError);

  training::TrainState state = training::load_checkpoint(folder / "a.ckpt");
  const auto loaded = [&](const training::TrainState& changed) {
    training::save_checkpoint(folder / "b.ckpt", changed);
    return message_of<Error>([&] { static_cast<void>(ImagePipeline::from_pretrained(folder / "b.ckpt")); });
  };
  CHECK(loaded(state) == "");
  training::TrainState other = state;
  other.kind = "video";
  CHECK(contains(loaded(other), "holds a model of kind \"video\", not a DiT"));
  other = state;
  other.metadata.erase("width");
  CHECK(contains(loaded(other), "does not say the width of its images"));
  other = state;
  other.configuration += "\n[mode]\nhidden = 3\n";
  CHECK(contains(loaded(other), "b.ckpt:"));
}
