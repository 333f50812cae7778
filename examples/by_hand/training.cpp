#include "examples/by_hand/training.h"

#include <algorithm>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/nn/state_dict.h>
#include <ditharos/optim/clip.h>
#include <ditharos/optim/sgd.h>

namespace ditharos::by_hand {

NoisedBatch draw_noised(const Run& run, int64_t count, Generator& rng) {
  const Tensor latent = latents_of(run.video, run);  // [1, T, width]
  const std::vector<int64_t> steps = rng.randint(1, *run.steps + 1, {count}).to_vector<int64_t>();
  NoisedBatch batch;
  batch.noise = rng.normal({count, latent.size(1), latent.size(2)}, DType::f64);
  std::vector<Tensor> noised, conditions;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t t = steps[size_t(i)];
    noised.push_back(add_noise(latent, slice(batch.noise, 0, i, i + 1), noise_level(t, *run.steps)));
    conditions.push_back(condition_vector(run.prompt, t, run.sizes.bits));
  }
  batch.latents = cat(noised, 0), batch.condition = stack(conditions, 0);
  return batch;
}

void train(Run& run, const TrainingOptions& options, const std::function<void(int64_t step, double loss)>& report) {
  constexpr int64_t evaluated = 256, reports = 8;
  Generator rng = Generator(options.seed).fork(1), evaluation_rng = Generator(options.seed).fork(2);
  const NoisedBatch fixed = draw_noised(run, evaluated, evaluation_rng);
  const auto evaluate = [&](int64_t step) {
    if (!report) return;
    const NoGrad off;
    report(step, mse_loss(run.model(fixed.latents, fixed.condition), fixed.noise).item());
  };
  optim::Sgd optimizer(nn::named_parameters(run.model), {.momentum = options.momentum});
  for (int64_t step = 0; step < options.steps; ++step) {
    if (step % std::max<int64_t>(options.steps / reports, 1) == 0) evaluate(step);
    const NoisedBatch batch = draw_noised(run, options.batch, rng);
    const Tensor loss = mse_loss(run.model(batch.latents, batch.condition), batch.noise);
    optimizer.zero_grad();
    loss.backward();
    if (step == 0) nn::audit(mse_loss(run.model(batch.latents, batch.condition), batch.noise), run.model);
    optim::clip_grad_norm_(optimizer.parameters(), 1.0);
    optimizer.step(options.learning_rate);
  }
  optimizer.zero_grad();
  evaluate(options.steps);
}

}  // namespace ditharos::by_hand
