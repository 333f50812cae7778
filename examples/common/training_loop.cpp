#include "examples/common/training_loop.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include <ditharos/tensor/stop_check.h>
#include "examples/common/interrupt.h"
#include "examples/common/outputs.h"
#include "examples/common/progress.h"
#include "examples/common/resume.h"
#include "examples/common/step_log.h"
#include "examples/common/step_profile.h"

namespace ditharos::examples {

RunOutputs::RunOutputs(const TrainingOptions& options, const std::string& samples)
    : lock_(options.out), folder_(options.out), samples_(folder_.file(samples)), profile_(options.profile) {
  check_output_file(folder_.file("config.toml"));
  check_output_file(samples_);
  check_output_file(profile_);
  refuse_foreign_checkpoints(options);
  check_output_folder(folder_.file(checkpoint_folder));
}

int run_training(const TrainingLoop& loop) {
  models::Trainer& trainer = loop.trainer;
  const RunFolder& folder = loop.outputs.folder();
  const int64_t began = trainer.steps();
  // A run that makes no step leaves the description of those that were made.
  if (began < loop.steps || !folder.has("config.toml")) folder.write_text("config.toml", loop.configuration);
  optim::CheckpointFolder checkpoints(folder.file(checkpoint_folder), loop.output.keep_checkpoints);
  StepLog metrics(folder.file("metrics.jsonl"), began > 0 ? began : -1);

  bool saved = std::filesystem::exists(checkpoints.path_of(began));
  const auto save = [&] {
    if (saved) return;
    optim::TrainState state;
    trainer.capture(state);
    optim::check_finite(state);
    loop.describe(state);
    describe_circumstances(state, loop.data);
    metrics.sync();
    checkpoints.save(state);
    saved = true;
  };
  const auto due = [&](int64_t every) { return every > 0 && trainer.steps() % every == 0; };
  const auto samples_due = [&] { return trainer.steps() >= loop.steps || due(loop.output.sample_every); };

  const Interrupt interrupt;
  Progress progress(began, std::max(began, loop.steps));
  const auto show = [&] {
    const std::string nothing = JsonObject().text();
    const StopCheck stop([&] { return interrupt.requested(); });
    const JsonObject measured = loop.show(loop.outputs.samples());
    if (measured.text() == nothing) return;
    progress.note("step " + std::to_string(trainer.steps()) + ": " + measured.text());
    // A run that was stopped after this has its line already.
    if (!metrics.has_line(trainer.steps(), measured)) metrics.append(trainer.steps(), measured);
  };

  StepProfile profile(loop.outputs.profile(), loop.steps - began);
  try {
    if (began > 0 && samples_due()) show();
    while (trainer.steps() < loop.steps && !interrupt.requested()) {
      profile.next_step();
      const models::StepMetrics m = loop.step();
      saved = false;
      progress.update(trainer.steps(), {{"loss", m.loss}, {"grad", m.grad_norm}, {"lr", m.lr}});
      if (due(loop.output.log_every))
        metrics.append(trainer.steps(), JsonObject().add("loss", m.loss).add("grad_norm", m.grad_norm).add("lr", m.lr));
      if (samples_due() || due(loop.output.checkpoint_every)) save();
      if (samples_due()) show();
    }
  } catch (const Stopped&) {  // while samples were drawn
  }
  save();
  if (trainer.steps() > began) progress.finish();
  profile.report();
  const std::string newest = checkpoints.path_of(trainer.steps());
  if (interrupt.requested()) {
    std::printf("interrupted after step %lld; saved %s; --resume auto goes on from there\n",
                static_cast<long long>(trainer.steps()), newest.c_str());
    return 128 + interrupt.signal();
  }
  std::printf("samples:    %s\ncheckpoint: %s\nmetrics:    %s\n", loop.outputs.samples().c_str(), newest.c_str(),
              folder.file("metrics.jsonl").c_str());
  return 0;
}

}  // namespace ditharos::examples
