#include <ditharos/training/training_loop.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include <ditharos/tensor/stop_check.h>
#include <ditharos/training/report/run_record.h>
#include <ditharos/training/run/interrupt.h>
#include <ditharos/training/run/step_log.h>
#include <ditharos/training/run/step_profile.h>

namespace ditharos::training {

TrainingResult run_training(const TrainingLoop& loop) {
  Trainer& trainer = loop.trainer;
  Reporter& reporter = loop.reporter;
  const RunFolder& folder = loop.outputs.folder();
  const int64_t began = trainer.steps(), steps = loop.run.train.steps;
  // A call without a step keeps the description of the earlier steps.
  if (!loop.run.configuration.empty() && (began < steps || !folder.has(configuration_file)))
    folder.write_text(configuration_file, loop.run.configuration);
  CheckpointFolder checkpoints(folder.file(checkpoint_folder), loop.output.keep_checkpoints);
  StepLog metrics(folder.file("metrics.jsonl"), began > 0 ? began : -1);
  RunRecord record(folder, {began, loop.run.train.batch_size, loop.output.tensorboard}, reporter);
  const auto log = [&](const JsonObject& figures) {
    metrics.append(trainer.steps(), figures);
    record.logged(trainer.steps(), figures);
  };

  bool saved = std::filesystem::exists(checkpoints.path_of(began));
  const auto save = [&] {
    if (saved) return;
    TrainState state;
    trainer.capture(state);
    check_finite(state);
    describe_run(state, loop.run);
    if (loop.describe) loop.describe(state);
    metrics.sync();
    checkpoints.save(state);
    saved = true;
  };
  const auto due = [&](int64_t every) { return every > 0 && trainer.steps() % every == 0; };
  const auto samples_due = [&] { return trainer.steps() >= steps || due(loop.output.sample_every); };

  std::optional<Interrupt> interrupt;
  if (loop.catch_signals) interrupt.emplace();
  const auto interrupted = [&] { return interrupt && interrupt->requested(); };
  reporter.begin(began, std::max(began, steps));
  const auto show = [&] {
    if (!loop.show || loop.outputs.samples().empty()) return;
    const std::string nothing = JsonObject().text();
    const StopCheck stop(interrupted);
    const JsonObject measured = loop.show(loop.outputs.samples());
    if (measured.text() != nothing) {
      reporter.measured(trainer.steps(), measured);
      // A run that was stopped after this has its line already.
      if (!metrics.has_line(trainer.steps(), measured)) log(measured);
    }
    record.sampled(trainer.steps(), loop.outputs.samples());
  };

  StepProfile profile(loop.outputs.profile(), steps - began);
  try {
    if (began > 0 && samples_due()) show();
    while (trainer.steps() < steps && !interrupted()) {
      profile.next_step();
      record.step_begins();
      const StepMetrics m = loop.step();
      record.step_ends();
      saved = false;
      reporter.step(trainer.steps(), m);
      if (due(loop.output.log_every))
        log(JsonObject().add("loss", m.loss).add("grad_norm", m.grad_norm).add("lr", m.lr));
      if (samples_due() || due(loop.output.checkpoint_every)) save();
      if (samples_due()) show();
    }
  } catch (const Stopped&) {  // while samples were drawn
  }
  save();
  if (trainer.steps() > began) reporter.end();
  const std::string report = record.finish();
  const std::string trace = profile.finish(reporter);
  return {.steps = trainer.steps(), .signal = interrupt ? interrupt->signal() : 0,
          .checkpoint = checkpoints.path_of(trainer.steps()), .metrics = folder.file("metrics.jsonl"),
          .samples = loop.outputs.samples(), .trace = trace, .report = report};
}

}  // namespace ditharos::training
