#include <ditharos/examples/common/training_loop.h>

#include <cstdio>

#include <ditharos/examples/common/interrupt.h>
#include <ditharos/examples/common/progress.h>
#include <ditharos/examples/common/resume.h>
#include <ditharos/examples/common/run_folder.h>
#include <ditharos/examples/common/step_log.h>
#include <ditharos/examples/common/step_profile.h>

namespace ditharos::examples {

int run_training(const TrainingLoop& loop) {
  models::Trainer& trainer = loop.trainer;
  const int64_t began = trainer.steps();
  const RunFolder folder(loop.options.out);
  folder.write_text("config.toml", loop.configuration);
  optim::CheckpointFolder checkpoints(folder.file(checkpoint_folder), int(loop.output.keep_checkpoints));
  StepLog metrics(folder.file("metrics.jsonl"), began > 0 ? began : -1);

  const auto save = [&] {
    optim::TrainState state;
    trainer.capture(state);
    loop.describe(state);
    metrics.sync();
    return checkpoints.save(state);
  };
  Progress progress(began, loop.steps);
  const auto show = [&] {
    const std::string nothing = JsonObject().text();
    const JsonObject measured = loop.show(folder.file(loop.samples));
    if (measured.text() == nothing) return;
    progress.note("step " + std::to_string(trainer.steps()) + ": " + measured.text());
    // A run that was complete before has its line already.
    if (trainer.steps() > began) metrics.append(trainer.steps(), measured);
  };
  const auto due = [&](int64_t every) { return every > 0 && trainer.steps() % every == 0; };

  const Interrupt interrupt;
  StepProfile profile(loop.options.profile);
  bool saved = began > 0;
  while (trainer.steps() < loop.steps && !interrupt.requested()) {
    profile.next_step();
    const models::StepMetrics m = loop.step();
    saved = false;
    progress.update(trainer.steps(), {{"loss", m.loss}, {"grad", m.grad_norm}, {"lr", m.lr}});
    if (due(loop.output.log_every))
      metrics.append(trainer.steps(), JsonObject().add("loss", m.loss).add("grad_norm", m.grad_norm).add("lr", m.lr));
    if (trainer.steps() == loop.steps) break;
    if (due(loop.output.sample_every)) show();
    if (due(loop.output.checkpoint_every)) save(), saved = true;
  }
  const bool complete = trainer.steps() >= loop.steps;
  if (complete) show();
  progress.finish();
  profile.report();
  if (!saved) save();
  const std::string newest = checkpoints.path_of(trainer.steps());
  if (!complete) {
    std::printf("interrupted after step %lld; saved %s; --resume auto goes on from there\n",
                static_cast<long long>(trainer.steps()), newest.c_str());
    return 128 + interrupt.signal();
  }
  std::printf("samples:    %s\ncheckpoint: %s\nmetrics:    %s\n", folder.file(loop.samples).c_str(), newest.c_str(),
              folder.file("metrics.jsonl").c_str());
  return 0;
}

}  // namespace ditharos::examples
