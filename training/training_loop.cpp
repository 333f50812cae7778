#include <ditharos/training/training_loop.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include <ditharos/tensor/io/crc32c.h>
#include <ditharos/tensor/io/number_text.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/stop_check.h>
#include <ditharos/training/distributed/rank_checks.h>
#include <ditharos/training/report/run_record.h>
#include <ditharos/training/run/interrupt.h>
#include <ditharos/training/run/step_log.h>
#include <ditharos/training/run/step_profile.h>
#include <ditharos/training/run_estimate.h>

namespace ditharos::training {
namespace {

constexpr const char* metrics_file = "metrics.jsonl";
constexpr int64_t most_bad_batches = 100;

KeepRules keep_rules(const OutputSettings& output) {
  return {.last = output.keep_checkpoints, .best = output.keep_best, .every = output.keep_every};
}

/// A run while it trains.
class Run {
 public:
  explicit Run(const TrainingLoop& loop)
      : loop_(loop), trainer_(loop.trainer), ranks_(loop.trainer.ranks()), folder_(loop.outputs.folder()),
        began_(loop.trainer.steps()), steps_(loop.run.train.steps), saved_(false) {
    if (ranks_.is_root()) {
      checkpoints_.emplace(folder_.file(checkpoint_folder), keep_rules(loop.output));
      saved_ = std::filesystem::exists(checkpoints_->path_of(began_));
      metrics_.emplace(folder_.file(metrics_file), began_ > 0 || saved_ ? began_ : -1);
      record_.emplace(
          folder_,
          RecordSettings{began_, loop.run.train.batch_size * loop.run.train.accumulate, loop.output.tensorboard},
          loop.reporter);
    }
    saved_ = ranks_.max(saved_ ? 1 : 0) != 0;
    if (loop.catch_signals) interrupt_.emplace();
  }

  TrainingResult train();

 private:
  /// The signal that has reached this process, or 0.
  int own_signal() const { return interrupt_ ? interrupt_->signal() : 0; }
  /// Collective: whether one has reached any rank.
  bool interrupted() {
    signal_ = int(ranks_.max(own_signal()));
    return signal_ != 0;
  }
  bool due(int64_t every) const { return every > 0 && trainer_.steps() % every == 0; }
  bool samples_due() const { return trainer_.steps() >= steps_ || due(loop_.output.sample_every); }
  bool validation_due() const {
    return loop_.output.validate_every > 0 && (trainer_.steps() >= steps_ || due(loop_.output.validate_every));
  }
  bool checkpoint_due() const {
    return samples_due() || due(loop_.output.checkpoint_every) || due(loop_.output.keep_every) ||
           (loop_.output.keep_best > 0 && validation_due());
  }

  void log(const JsonObject& figures) {
    if (!ranks_.is_root()) return;
    metrics_->append(trainer_.steps(), figures);
    record_->logged(trainer_.steps(), figures);
  }
  void step();
  void log_step(const StepMetrics& m);
  void validate();
  void save();
  void check_finite_everywhere(const TrainState& state);
  void show();
  void handle(const NotFiniteError& error, bool updated);
  std::string keep_bad_batch(const std::string& reason);
  std::string save_bad_batch(const std::vector<TrainingBatch>& batches, const std::string& reason);
  void skip(const std::string& reason, const std::string& where);
  void roll_back(const std::string& reason, const std::string& where);

  const TrainingLoop& loop_;
  Trainer& trainer_;
  Communicator& ranks_;
  const RunFolder& folder_;
  const int64_t began_, steps_;
  // On rank 0 alone.
  std::optional<CheckpointFolder> checkpoints_;
  std::optional<StepLog> metrics_;
  std::optional<RunRecord> record_;  // made when metrics_ has no later steps
  std::optional<Interrupt> interrupt_;
  int signal_ = 0;                      // of any rank
  std::vector<TrainingBatch> batches_;  // of the present step
  std::vector<MicroBatch> held_out_;
  std::optional<double> validation_;  // of the present step
  bool saved_;                        // the present step has a checkpoint
};

void Run::save() {
  if (saved_) return;
  TrainState state;
  trainer_.capture(state);
  check_finite_everywhere(state);
  describe_run(state, loop_.run);
  if (validation_) state.metadata[validation_entry] = shortest(*validation_);
  if (loop_.describe) loop_.describe(state);
  if (ranks_.is_root()) {
    metrics_->sync();
    checkpoints_->save(state);
  }
  saved_ = true;
}

/// check_finite() of the state, which is complete on rank 0: all ranks throw what that one does.
void Run::check_finite_everywhere(const TrainState& state) {
  std::string reason;
  try {
    if (ranks_.is_root()) check_finite(state);
  } catch (const NotFiniteError& error) {
    reason = error.what();
  }
  reason = ranks_.broadcast(reason);
  check<NotFiniteError>(reason.empty(), reason);
}

void Run::show() {
  if (!loop_.show || loop_.outputs.samples().empty()) return;
  const std::string nothing = JsonObject().text();
  std::optional<StopCheck> stop;  // one rank must not leave the others alone
  if (ranks_.size() == 1) stop.emplace([this] { return own_signal() != 0; });
  const JsonObject measured = loop_.show(loop_.outputs.samples());
  stop.reset();
  if (!ranks_.is_root()) return;
  if (measured.text() != nothing) {
    loop_.reporter.measured(trainer_.steps(), measured);
    // A run that was stopped after this has its line already.
    if (!metrics_->has_line(trainer_.steps(), measured)) log(measured);
  }
  record_->sampled(trainer_.steps(), loop_.outputs.samples());
}

void Run::log_step(const StepMetrics& m) {
  JsonObject line;
  line.add("loss", m.loss).add("grad_norm", m.grad_norm).add("lr", m.lr);
  if (trainer_.has_times()) line.add("loss_bins", trainer_.take_losses().means());
  log(line);
}

void Run::validate() {
  const LossByTime losses = trainer_.validate(held_out_);
  validation_ = losses.mean();
  JsonObject line;
  line.add("val_loss", losses.mean());
  loop_.reporter.measured(trainer_.steps(), line);
  if (trainer_.has_times()) line.add("val_loss_bins", losses.means());
  log(line);
}

/// One step with everything that is due after it.
void Run::step() {
  bool updated = false;
  try {
    if (!loop_.run.train.overfit_one_batch || batches_.empty()) batches_ = next_batches(loop_);
    if (record_) record_->step_begins();
    const StepMetrics m = trainer_.step(micro_batches(batches_));
    if (record_) record_->step_ends();
    updated = true;
    saved_ = false;
    validation_.reset();
    loop_.reporter.step(trainer_.steps(), m);
    if (due(loop_.output.log_every)) log_step(m);
    if (validation_due()) validate();
    if (checkpoint_due()) save();
  } catch (const NotFiniteError& error) {
    handle(error, updated);
    return;
  }
  if (samples_due()) show();
}

/// `updated`: the step's update was made, and its weights are not finite.
void Run::handle(const NotFiniteError& error, bool updated) {
  const TrainSettings& train = loop_.run.train;
  const RunCounts& counts = trainer_.counts();
  const std::string reason = error.what(), where = keep_bad_batch(reason);
  const auto limit = [&](int64_t so_far, const char* what) {
    check<NotFiniteError>(so_far < train.most_not_finite, reason, where, "; most_not_finite = ", train.most_not_finite,
                          what);
  };
  if (train.on_not_finite == OnNotFinite::skip && !updated) {
    limit(counts.skipped_in_succession, " steps in succession were left out before it");
    skip(reason, where);
  } else if (train.on_not_finite == OnNotFinite::roll_back) {
    limit(counts.rolled_back, " times an earlier checkpoint was restored before it");
    roll_back(reason, where);
  } else {
    throw NotFiniteError(reason + where);
  }
}

/// Writes the batches of the present step; returns a clause with their file.
std::string Run::keep_bad_batch(const std::string& reason) {
  const std::vector<TrainingBatch> batches = gather_batches(ranks_, batches_);
  return ranks_.broadcast(ranks_.is_root() ? save_bad_batch(batches, reason) : "");
}

std::string Run::save_bad_batch(const std::vector<TrainingBatch>& batches, const std::string& reason) {
  try {
    const std::string path =
        save_batch(folder_.file("not_finite"), trainer_.steps(), batches, reason, most_bad_batches);
    return path.empty() ? "" : "; its batch is in " + path;
  } catch (const IoError& e) {  // a full disk must not hide the reason
    return std::string("; its batch could not be written: ") + e.what();
  }
}

/// `where` names files, which the log does not: it must not depend on the folder's name.
void Run::skip(const std::string& reason, const std::string& where) {
  trainer_.skip_step();
  saved_ = false;
  validation_.reset();
  const JsonObject line = JsonObject().add("skipped", trainer_.counts().skipped).add("reason", reason);
  log(line);
  loop_.reporter.note("step " + std::to_string(trainer_.steps()) + " is left out: " + reason + where);
  if (validation_due()) validate();
  if (checkpoint_due()) save();
  if (samples_due()) show();
}

void Run::roll_back(const std::string& reason, const std::string& where) {
  const int64_t from = trainer_.steps();
  ranks_.barrier();  // rank 0 has saved its last checkpoint
  const LatestCheckpoint last = latest_valid_until(folder_.file(checkpoint_folder), from);
  check<NotFiniteError>(last.state.has_value(), reason, where, "; there is no earlier checkpoint to go back to");
  trainer_.roll_back(*last.state);
  validation_ = validation_loss(*last.state);
  if (ranks_.is_root()) {
    metrics_.reset();  // one object at a time
    metrics_.emplace(folder_.file(metrics_file), trainer_.steps());
    record_->rewind(trainer_.steps());
  }
  const JsonObject line =
      JsonObject().add("rolled_back", trainer_.counts().rolled_back).add("from_step", from).add("reason", reason);
  // A run that was killed after this has its line already.
  if (metrics_ && !metrics_->has_same_line(trainer_.steps(), line)) log(line);
  loop_.reporter.note("going back from step " + std::to_string(from) + " to " + last.path + ": " + reason + where);
  // With the position in the data behind the batch, so that it does not come again in a resumed run either.
  saved_ = false;
  save();
}

TrainingResult Run::train() {
  // Here, so that held-out data that cannot be read end no run in its middle.
  if (loop_.output.validate_every > 0 && began_ < steps_) held_out_ = loop_.held_out();
  // A call without a step keeps the description of the earlier steps.
  if (ranks_.is_root() && !loop_.run.configuration.empty() && (began_ < steps_ || !folder_.has(configuration_file)))
    folder_.write_text(configuration_file, loop_.run.configuration);
  loop_.reporter.begin(began_, std::max(began_, steps_));
  StepProfile profile(loop_.outputs.profile(), steps_ - began_, trainer_);
  try {
    if (began_ > 0 && samples_due()) show();
    if (loop_.run.train.on_not_finite == OnNotFinite::roll_back && began_ < steps_) save();
    while (trainer_.steps() < steps_ && !interrupted()) {
      profile.next_step();
      step();
    }
  } catch (const Stopped&) {  // while samples were drawn
  }
  save();
  if (trainer_.steps() > began_) loop_.reporter.end();
  const std::string report = record_ ? record_->finish() : "";
  const std::string trace = profile.finish(loop_.reporter);
  return {.steps = trainer_.steps(),
          .signal = own_signal() != 0 ? own_signal() : signal_,
          .checkpoint = checkpoints_ ? checkpoints_->path_of(trainer_.steps()) : "",
          .metrics = folder_.file(metrics_file),
          .samples = loop_.outputs.samples(),
          .trace = trace,
          .report = report};
}

/// Of the model's tensors, as text.
std::string weights_checksum(Trainer& trainer) {
  TrainState state;
  trainer.outline(state);
  uint32_t checksum = 0;
  for (const auto& [name, tensor] : state.model) {
    const Tensor values = kernels::contiguous(tensor);
    checksum = visit_dtype(values.dtype(), [&](auto zero) {
      using T = decltype(zero);
      return crc32c(values.data<T>(), size_t(values.numel()) * sizeof(T), checksum);
    });
  }
  return std::to_string(checksum);
}

}  // namespace

TrainingResult run_training(const TrainingLoop& loop) {
  check<Error>(loop.next_batch != nullptr, "[run_training] there is no next_batch");
  check_output(loop.output);
  check<ConfigError>(loop.output.validate_every == 0 || loop.held_out != nullptr,
                     "validate_every = ", loop.output.validate_every, " needs held-out data");
  check<ConfigError>(loop.run.train.accumulate >= 1, "accumulate must be at least 1, got ", loop.run.train.accumulate);
  if (loop.run.train.overfit_one_batch)
    loop.reporter.note("every step has the data of the first one (overfit_one_batch): the loss must fall");
  if (const std::string note = precision_note(loop.run.train.precision); !note.empty()) loop.reporter.note(note);
  if (loop.outputs.summary()) report_summary(loop);
  if (loop.outputs.dry_run()) report_dry_run(loop);
  if (loop.outputs.summary() || loop.outputs.dry_run()) return {.steps = loop.trainer.steps()};
  if (loop.trainer.ranks().is_root()) check_run_space(loop);
  check_same_on_all(loop.trainer.ranks(), "checksum of the weights = " + weights_checksum(loop.trainer) + "\n");
  return Run(loop).train();
}

}  // namespace ditharos::training
