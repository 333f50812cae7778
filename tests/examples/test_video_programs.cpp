// What the video programs share: shapes and prompts in text, contact sheets, models in files.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include <ditharos/autograd/ops.h>
#include <ditharos/data/codecs/png.h>
#include <ditharos/data/codecs/video_file.h>
#include <ditharos/data/datasets/dataset.h>
#include <ditharos/tensor/io/file.h>
#include "examples/common/prompts.h"
#include "examples/common/video_checkpoint.h"
#include "examples/common/video_sampling.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::examples;

namespace {

template <class E, class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const E& e) {
    return e.what();
  }
  return "";
}
bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

const data::Tokenizer& tokenizer() {
  static const data::Tokenizer trained =
      data::Tokenizer::train({"a red sneaker drifts left", "a boot falls through a night sky"}, 300);
  return trained;
}

/// A tiny model on latents, as train_video would store it.
struct Stored {
  AutoencoderRun autoencoder_run;
  VideoRun run;
  VideoDescription description;
  std::optional<models::LatentVideo> model;

  Stored() {
    Settings of_autoencoder("", ""), of_video("", "");
    describe(of_autoencoder, autoencoder_run);
    autoencoder_run.model = {.latent_channels = 2, .width = 4, .max_width = 4, .groups = 2, .stages = 1};
    describe(of_video, run);
    run.model.hidden = 12;
    run.model.depth = 1;
    run.model.heads = 2;
    run.model.text.width = 8;
    run.model.text.depth = 1;
    run.model.text.heads = 2;
    description = {of_video.to_toml(), of_autoencoder.to_toml(), tokenizer().to_text()};
    Generator rng(1);
    model = build_model(run, models::VideoAutoencoder(autoencoder_run.model, rng), tokenizer(), 2);
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
    describe_checkpoint(state, description);
    const std::string path = folder + "/video.ckpt";
    training::save_checkpoint(path, state);
    return path;
  }
};

Tensor velocity(const models::LatentVideo& model) {
  Generator rng(9);
  const Tensor x = rng.normal({1, 2, 2, 4, 4});
  return model(x, full({1}, 500), encode_prompts(tokenizer(), {"a red boot"}, 24)).detach();
}

}  // namespace

TEST_CASE("video programs: shapes in text") {
  CHECK(parse_clip_shape("8x32x48", "shapes") == data::SampleShape{8, 32, 48});
  for (const char* bad : {"", "8x32", "8x32x48x3", "8x0x4", "axbxc", "8x32x48 ", "-1x2x3", "99999x1x1"})
    CHECK_MESSAGE(contains(message_of<ConfigError>([&] { parse_clip_shape(bad, "shapes"); }), "such as 8x32x32"), bad);
  CHECK_EQ(parse_frame_size("32x48", "--size").width, 48);
  CHECK(contains(message_of<ConfigError>([] { parse_frame_size("32", "--size"); }), "--size: \"32\""));

  ClipSettings clips;
  clips.shapes = "8x32x32, 16x32x32,4x32x64";
  clips.shape_weights = {1, 2, 3};
  const std::vector<data::Bucket> buckets = clip_buckets(clips, 6);
  REQUIRE_EQ(buckets.size(), 3);
  CHECK_EQ(buckets[0].batch_size, 6);
  CHECK_EQ(buckets[1].batch_size, 3);  // as many pixels
  CHECK_EQ(buckets[2].batch_size, 6);
  CHECK_EQ(buckets[2].weight, 3);
  clips.shape_weights = {1};
  CHECK_THROWS_AS(clip_buckets(clips, 6), ConfigError);
}

TEST_CASE("video programs: clips by name, or from a folder") {
  const auto made = open_clips("moving-garments", ClipUse::training);
  const data::Batch batch = clip_batch(*made, {2, 8, 12}, 3, 2);
  CHECK_EQ(batch.samples.shape(), Shape{2, 2, 3, 8, 12});
  CHECK_EQ(batch.captions[1], made->caption(4));
  CHECK(open_clips("moving-garments", ClipUse::judging)->caption(0) != made->caption(0));
  const std::string unknown = message_of<ConfigError>([] { open_clips("moving-goods", ClipUse::training); });
  CHECK_MESSAGE(contains(unknown, "known are \"moving-garments\", \"moving-emoji\""), unknown);

  const tests::TemporaryFolder folder;
  std::string list;
  for (int i = 0; i < 10; ++i) {
    const std::string name = "clip" + std::to_string(i) + ".gif";
    data::write_clip(folder / name, data::to_bytes(select(batch.samples, 0, i % 2)), 8);
    list += name + "\tnumber " + std::to_string(i) + "\n";
  }
  std::ofstream(folder / "captions.txt") << list;
  CHECK_EQ(open_clips(folder.path(), ClipUse::training)->size(), 9);
  CHECK_EQ(open_clips(folder.path(), ClipUse::judging)->caption(0), "number 9");
}

TEST_CASE("video programs: prompts") {
  CHECK(parse_prompts(" a; b c ;; d") == std::vector<std::string>{"a", "b c", "d"});
  CHECK(parse_prompts(" ; ").empty());
  CHECK(contains(message_of<ConfigError>([] { encode_prompts(tokenizer(), {"  "}, 24); }), "is empty"));
  CHECK(contains(message_of<ConfigError>([] { encode_prompts(tokenizer(), {"a boot falls a boot falls"}, 4); }),
                 "it takes 7 tokens, and the model reads 4"));
  CHECK_EQ(encode_captions(tokenizer(), {"a boot falls a boot falls", "a"}, 4).shape(), Shape{2, 4});
  CHECK_EQ(null_prompt(tokenizer(), 3).to_vector<int64_t>(), std::vector<int64_t>{1, 0, 0});

  const auto made = open_clips("moving-garments", ClipUse::training);
  const auto taught = data::Tokenizer::train({made->caption(0), made->caption(1), made->caption(2)}, 600);
  const std::vector<std::string> first = first_captions(*made, taught, 400, 3);
  CHECK(first == std::vector<std::string>{made->caption(0), made->caption(1), made->caption(2)});
  for (const std::string& caption : first_captions(*made, taught, 12, 4)) CHECK_LE(taught.encode(caption).size(), 12);
  CHECK(message_of<ConfigError>([&] { first_captions(*made, taught, 1, 4); }) ==
        "none of the first 1000 captions fits into prompt_length = 1 tokens, so the model would read no caption to its "
        "end");

  check_words(tokenizer(), "a red boot, falls");
  const std::string unknown = message_of<ConfigError>([] { check_words(tokenizer(), "a rde zeppelin"); });
  CHECK_MESSAGE(contains(unknown, "\"rde\" (it knows \"red\"), \"zeppelin\"; --list-words"), unknown);
}

TEST_CASE("video programs: a model from its checkpoint and from its export") {
  const tests::TemporaryFolder folder;
  Stored stored;
  const std::string checkpoint = stored.save(folder.path());
  TrainedVideo trained = load_video(checkpoint);
  CHECK_EQ(trained.step, 7);
  CHECK(trained.run.model == stored.run.model);
  CHECK_EQ(trained.tokenizer.to_text(), tokenizer().to_text());
  const Tensor v = velocity(*stored.model);
  CHECK(velocity(trained.model).to_vector<float>() == v.to_vector<float>());

  const std::string file = folder.path() + "/small.safetensors";
  const int64_t bytes = export_video(file, trained);
  CHECK_EQ(bytes, int64_t(std::filesystem::file_size(file)));
  TrainedVideo again = load_video(file);
  CHECK_EQ(again.step, 7);
  CHECK(norm(velocity(again.model) - v).item() < .02 * norm(v).item());  // bf16
  for (const auto& [name, tensor] : nn::named_tensors(trained.model))
    for (const auto& [other, copy] : nn::named_tensors(again.model))
      if (name == other && name.starts_with("autoencoder."))
        CHECK(tensor.to_vector<float>() == copy.to_vector<float>());
  // What was loaded from an export can be exported again, to the same bytes.
  export_video(folder.path() + "/again.safetensors", again);
  CHECK(read_file(folder.path() + "/again.safetensors", bytes) == read_file(file, bytes));

  CHECK_THROWS_AS(export_video(folder.path() + "/model.bin", trained), ConfigError);
  CHECK_THROWS_AS(load_video(folder.path() + "/none.safetensors"), IoError);
  std::filesystem::resize_file(file, 1000);
  CHECK_THROWS_AS(load_video(file), IoError);
}

TEST_CASE("video programs: which clips a model can make") {
  Stored stored;
  const models::LatentVideo& model = *stored.model;  // strides 1x2x2, patches 1x2x2
  check_clip_shape(model, {3, 8, 12}, "--size");
  const std::string size = message_of<ConfigError>([&] { check_clip_shape(model, {3, 30, 13}, "--size"); });
  CHECK_MESSAGE(contains(size, "the nearest that fits is 3 frames of 32x12"), size);
  const std::string many = message_of<ConfigError>([&] { check_clip_shape(model, {4000, 32, 32}, "--frames"); });
  CHECK_MESSAGE(contains(many, "128 frames of this size"), many);
  CHECK_THROWS_AS(check_clip_shape(model, {1, 4096, 4096}, "--size"), ConfigError);
}

TEST_CASE("video programs: a contact sheet") {
  const tests::TemporaryFolder folder;
  const std::string path = folder.path() + "/sheet.png";
  save_contact_sheet(path, zeros({2, 9, 3, 8, 10}), {"one", "two"}, 4, 2);
  const Tensor sheet = data::read_png(path, 3);
  CHECK_EQ(sheet.size(0), 3);
  CHECK_EQ(sheet.size(2), 4 + 4 * (2 * 10 + 4));  // four columns of doubled pixels with margins
}

TEST_CASE("video programs: a clip's noise depends on the seed and its number") {
  Stored stored;
  const Tensor two = noise_for(*stored.model, {2, 8, 8}, 2, Generator(5)),
               one = noise_for(*stored.model, {2, 8, 8}, 1, Generator(5));
  CHECK_EQ(two.shape(), Shape{2, 2, 2, 4, 4});
  CHECK_EQ(slice(two, 0, 0, 1).to_vector<float>(), one.to_vector<float>());
  CHECK(slice(two, 0, 1, 2).to_vector<float>() != one.to_vector<float>());
}

TEST_CASE("video programs: every task makes clips of the right shape, around what is given") {
  Stored stored;
  models::LatentVideo& model = *stored.model;
  nn::set_training(model, false);
  VideoRun run = stored.run;
  run.sampling.steps = 2;
  const std::vector<std::string> prompts = {"a red boot", "a sneaker drifts left"};
  const auto sample = [&](const ClipRequest& request) {
    return sample_clips(model, tokenizer(), run, prompts, request);
  };
  const auto frames = [](const Tensor& clips, int64_t begin, int64_t end) {
    return slice(clips, 1, begin, end).to_vector<float>();
  };
  const data::SampleShape shape{4, 8, 12};
  Generator rng(3);
  const Tensor clip = rng.uniform({6, 3, 8, 12}) * 2.0 - 1.0, picture = slice(clip, 0, 0, 1);
  // What comes back of frames that are given: the autoencoder's idea of them, for both prompts.
  const Tensor one = model.from_latents(model.to_latents(unsqueeze(clip, 0)));
  const Tensor known = cat({one, one}, 0);

  const Tensor made = sample({.shape = shape, .seed = 1});
  CHECK_EQ(made.shape(), Shape{2, 4, 3, 8, 12});
  CHECK(made.to_vector<float>() == sample({.shape = shape, .seed = 1}).to_vector<float>());
  CHECK(made.to_vector<float>() != sample({.shape = shape, .seed = 2}).to_vector<float>());

  const Tensor moved = sample({.shape = shape, .first = picture, .last = slice(clip, 0, 5, 6)});
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
  sample_clips(model, tokenizer(), run, prompts, {.shape = shape},
               [&](double share, int64_t first, const Tensor&) { shares.push_back(share + double(first)); });
  CHECK(shares == std::vector<double>{.5, 1});
}
