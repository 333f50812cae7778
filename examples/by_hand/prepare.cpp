#include "examples/by_hand/prepare.h"

#include <ditharos/autograd/ops.h>
#include "examples/by_hand/frames.h"

namespace ditharos::by_hand {
namespace {

bool has_exercise_size(const Options& o) { return o.frames == 4 && o.height == 2 && o.width == 2; }

Tensor training_video(const Options& o) {
  if (!o.video.empty()) return read_frames(o.video);
  return has_exercise_size(o) ? exercise_video() : moving_dot(o.frames, o.height, o.width);
}

/// ConfigError, with the size that fits, unless the patch divides the video.
models::PatchGrid checked_grid(const Shape& video, const models::PatchSize& patch) {
  try {
    return models::patch_grid({1, video[0], 1, video[2], video[3]}, patch);
  } catch (const ShapeError& e) {
    fail<ConfigError>(std::string(e.what()), " (--pad repeats the last frame, row and column)");
  }
}

}  // namespace

Run prepare(const Options& o) {
  check<ConfigError>(o.patch.size() == 3, "--patch wants three numbers: frames, rows, columns");
  check<ConfigError>(!o.as_printed || !o.soft,
                     "--as-printed and --soft: the misprints are in the exercise's own "
                     "weights, and soft attention learns others");
  Run run;
  run.sizes = {.patch = {o.patch[0], o.patch[1], o.patch[2]}, .width = o.latent_width, .bits = o.bits};
  run.prompt = o.prompt;
  run.all_steps = o.steps.has_value();
  run.steps = o.steps.value_or(exercise_step);
  run.generate = o.generate;
  // Refuses what it cannot encode.
  static_cast<void>(condition_vector(run.prompt, *run.steps, run.sizes.bits));
  run.learning_rate = o.learning_rate;
  run.video = training_video(o);
  if (o.pad) run.video = squeeze(models::pad_to_patches(unsqueeze(run.video, 0), run.sizes.patch), 0);
  run.grid = checked_grid(run.video.shape(), run.sizes.patch);

  check_patch_count(run.grid);

  const Generator seeded(o.seed.value_or(0));
  Generator weights = seeded.fork(10), noise = seeded.fork(11);
  run.autoencoder = make_autoencoder(run.sizes, weights);
  run.model = make_model(run.sizes, o.soft ? Attention::soft : Attention::hard, o.as_printed, weights);
  const Shape shape = {1, run.grid.tokens(), run.sizes.width};
  // Whole numbers can be computed by hand; normal ones are for learning.
  const Tensor drawn = o.soft ? noise.normal(shape, DType::f64) : to(noise.randint(-1, 2, shape), DType::f64);
  const bool own = !o.seed && !o.soft && shape == exercise_noise().shape();
  run.noise = own ? exercise_noise() : drawn;
  return run;
}

bool is_the_exercise(const Options& o) {
  const Options exercise;
  return o.prompt == exercise.prompt && o.video.empty() && has_exercise_size(o) && o.patch == exercise.patch &&
         o.latent_width == exercise.latent_width && o.bits == exercise.bits && !o.seed && !o.soft && !o.generate &&
         !o.steps;
}

}  // namespace ditharos::by_hand
