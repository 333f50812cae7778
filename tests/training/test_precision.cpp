// The setting precision: training and sampling in mixed precision, and what programs say about it.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include <ditharos/autograd/autocast.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/models/autoencoder/autoencoder.h>
#include <ditharos/models/autoencoder/objective.h>
#include <ditharos/optim/adam.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/kernels/dispatch.h>
#include <ditharos/tensor/system/instruction_set.h>
#include <ditharos/training/checkpoint/checkpoint_folder.h>
#include <ditharos/training/trainer.h>
#include "tests/support/small_dit_run.h"
#include "tests/support/small_runs.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensor_cases.h"

using namespace ditharos;
using namespace ditharos::tests;

namespace {

const std::string without = "DITHAROS_ISA=avx512";  // no instructions for products of bf16, on any machine

std::string note_without(Precision precision) {
  const RestoreSettings restore;
  kernels::set_isa(kernels::Isa::avx512);
  return precision_note(precision);
}

training::TrainState last_state(const std::string& run) { return *training::latest_valid(run + "/checkpoints").state; }

/// The losses of an autoencoder of smooth 16x16 images.
std::vector<double> losses_of_autoencoder(models::AutoencoderKind kind, DType precision, int steps) {
  Generator rng(3);
  models::Autoencoder model({.kind = kind, .sizes = {.latent_channels = 4, .width = 8, .max_width = 16, .stages = 1}},
                            rng);
  training::TrainerConfig settings;
  settings.precision = precision;
  settings.schedule.lr = 2e-3;
  training::Trainer trainer(model, {}, std::make_shared<models::AutoencoderObjective>(model, models::AutoencoderLoss{}),
                            std::make_unique<optim::AdamW>(nn::named_parameters(model)), settings);
  const Tensor images = reshape(interpolate(rng.normal({4, 3, 4, 4}), {16, 16}), {4, 1, 3, 16, 16});
  std::vector<double> losses;
  for (int i = 0; i < steps; ++i) losses.push_back(trainer.step(images, {}).loss);
  return losses;
}

}  // namespace

TEST_CASE("precision: auto is bf16 where the CPU has instructions for it, else f32, and says so") {
  const RestoreSettings restore;
  CHECK(precision_dtype(Precision::f32) == DType::f32);
  CHECK(precision_dtype(Precision::bf16) == DType::bf16);
  CHECK(precision_note(Precision::f32).empty());
  CHECK(precision_dtype(Precision::automatic) == (has_bf16_products() ? DType::bf16 : DType::f32));
  kernels::set_isa(kernels::Isa::avx512);
  CHECK_FALSE(has_bf16_products());
  CHECK(precision_dtype(Precision::automatic) == DType::f32);
  CHECK(precision_note(Precision::automatic) ==
        "precision: f32, because products of bf16 need AVX512_BF16 and oneDNN to be faster");
  CHECK(precision_note(Precision::bf16) ==
        "precision: bf16, which is slower than f32 here, because products of bf16 "
        "need AVX512_BF16 and oneDNN to be faster");
}

TEST_CASE("precision: a run trains in bf16, its checkpoints are f32, and it goes on in either precision, saying so") {
  const TemporaryFolder folder;
  const std::string images = folder / "images", run = folder / "run";
  write_images(images, {"cat", "dog"}, 10);
  const Arguments base = small_dit(images, run, {"--steps", "2"});
  const Outcome first = run_program("train_dit", with(base, {"--precision", "bf16"}), {without});
  REQUIRE_MESSAGE(first.status == 0, first.output);
  CHECK_MESSAGE(contains(first.output, note_without(Precision::bf16)), first.output);
  const training::TrainState state = last_state(run);
  for (const auto* list : {&state.model, &state.ema})
    for (const auto& [name, tensor] : *list) CHECK(tensor.dtype() != DType::bf16);

  const auto resumed = [&](const Arguments& more) {
    return run_program("train_dit", with(base, with({"--resume", "auto", "--steps", "4", "--dry-run"}, more)),
                       {without});
  };
  const Outcome changed = resumed({"--precision", "f32"});
  CHECK_EQ(changed.status, 0);
  CHECK_MESSAGE(contains(changed.output,
                         "trained with products of emulated bf16 so far, with products of "
                         "f32 from here on"),
                changed.output);
  const Outcome same = resumed({"--precision", "bf16"});
  CHECK_EQ(same.status, 0);
  CHECK_MESSAGE(!contains(same.output, "from here on"), same.output);
  const Outcome automatic = resumed({"--precision", "auto"});
  CHECK_MESSAGE(contains(automatic.output, note_without(Precision::automatic)), automatic.output);
}

TEST_CASE("precision: an autoencoder learns in bf16 as it does in f32") {
  constexpr int steps = 60;
  for (const auto kind : {models::AutoencoderKind::video, models::AutoencoderKind::kl})
    for (const kernels::Isa isa : {kernels::active_isa(), std::min(kernels::active_isa(), kernels::Isa::avx512)}) {
      const RestoreSettings restore;
      kernels::set_isa(isa);
      const auto exact = losses_of_autoencoder(kind, DType::f32, steps);
      const auto half = losses_of_autoencoder(kind, DType::bf16, steps);
      REQUIRE(exact.back() < .5 * exact.front());
      CHECK(half[0] != exact[0]);
      CHECK(std::abs(half[0] / exact[0] - 1) < .01);
      double last = 0, last_of_exact = 0;  // sums of the last losses: a single one depends on chance
      for (int i = steps - 10; i < steps; ++i) last += half[size_t(i)], last_of_exact += exact[size_t(i)];
      CHECK_MESSAGE(std::abs(last / last_of_exact - 1) < .03, last << " in bf16, " << last_of_exact << " in f32");
    }
}

TEST_CASE("precision: train_autoencoder takes the setting") {
  const TemporaryFolder folder;
  const auto metrics = [&](const std::string& precision) {
    const std::string run = folder / precision;
    const Arguments flags{"--precision", precision, "--log-every", "1"};
    const Outcome outcome = run_program("train_autoencoder", small_autoencoder(run, flags), {without});
    REQUIRE_MESSAGE(outcome.status == 0, outcome.output);
    CHECK(contains(outcome.output, "precision: ") == (precision == "bf16"));
    for (const auto& [name, tensor] : last_state(run).model) CHECK(tensor.dtype() != DType::bf16);
    return read_file(run + "/metrics.jsonl", 1 << 20);
  };
  CHECK(metrics("bf16") != metrics("f32"));
}

TEST_CASE("precision: a run in bf16 that is stopped and resumed has the bytes of one that was not") {
  const TemporaryFolder folder;
  const std::string images = folder / "images";
  write_images(images, {"cat", "dog"}, 10);
  const auto train = [&](const std::string& run, const Arguments& more) {
    const Outcome outcome =
        run_program("train_dit", with(small_dit(images, folder / run, {"--precision", "auto"}), more));
    REQUIRE_MESSAGE(outcome.status == 0, outcome.output);
  };
  train("whole", {"--steps", "4", "--schedule", "constant"});
  train("parts", {"--steps", "2", "--schedule", "constant"});
  train("parts", {"--steps", "4", "--schedule", "constant", "--resume", "auto"});
  const training::TrainState whole = last_state(folder / "whole"), parts = last_state(folder / "parts");
  REQUIRE(whole.model.size() == parts.model.size());
  for (size_t i = 0; i < whole.model.size(); ++i) CHECK(same_bits(whole.model[i].tensor, parts.model[i].tensor));
}

TEST_CASE("precision: sample_dit draws nearly the same images in bf16") {
  const TemporaryFolder folder;
  const std::string run = train_small_dit(folder.path(), {"cat", "dog"});
  for (const char* precision : {"f32", "bf16", "auto"}) {
    const Outcome outcome = run_program(
        "sample_dit", sampling_flags(run, folder / (std::string(precision) + ".png"), {"--precision", precision}),
        {without});
    CHECK_MESSAGE(outcome.status == 0, outcome.output);
    const bool says = contains(outcome.output, "precision: ");
    CHECK(says == (std::string(precision) != "f32"));
  }
  const Outcome wrong = run_program("sample_dit", sampling_flags(run, folder / "x.png", {"--precision", "fp16"}));
  CHECK_EQ(wrong.status, 2);
  CHECK_MESSAGE(contains(wrong.output, "f32, bf16, auto"), wrong.output);
}
