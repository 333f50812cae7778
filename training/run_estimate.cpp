#include <ditharos/training/run_estimate.h>

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <system_error>

#include <ditharos/tensor/io/number_text.h>
#include <ditharos/training/run/disk_space.h>

namespace ditharos::training {
namespace {

constexpr double samples_bytes = 16e6;  // sample grids and metrics, generously

double peak_memory() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return double(usage.ru_maxrss) * 1024;
}

std::string time_text(double seconds) {
  if (seconds < 1) return general_text(seconds * 1000, 3) + " ms";
  if (seconds < 120) return general_text(seconds, 3) + " s";
  if (seconds < 7200) return general_text(seconds / 60, 3) + " minutes";
  return general_text(seconds / 3600, 3) + " hours";
}

template <class F>
double seconds_of(const F& f) {
  const auto begin = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

int64_t samples_in(const std::vector<TrainingBatch>& batches) {
  int64_t samples = 0;
  for (const TrainingBatch& batch : batches) samples += batch.total > 0 ? batch.total : batch.data.size(0);
  return samples;
}

/// Bytes of the optimiser's state and of the averages: `all`, and those that this rank keeps.
struct StateBytes {
  double all = 0, kept = 0;
};
StateBytes state_bytes(Trainer& trainer) {
  TrainState state;
  trainer.outline(state);
  std::vector<const nn::NamedTensors*> lists{&state.optimizer, &state.ema};
  for (const Average& more : state.more_averages) lists.push_back(&more.tensors);
  StateBytes bytes;
  for (const nn::NamedTensors* list : lists)
    for (const auto& [name, tensor] : *list) {
      const double own = double(tensor.numel()) * double(size_of(tensor.dtype()));
      bytes.all += own;
      if (tensor.is_contiguous()) bytes.kept += own;  // of what others keep, one element stands for all
    }
  return bytes;
}

}  // namespace

double CheckpointSpace::needed() const { return std::max(0.0, files + 1 - there) * size + samples_bytes; }

std::vector<TrainingBatch> next_batches(const TrainingLoop& loop) {
  std::vector<TrainingBatch> batches;
  for (int64_t j = 0; j < loop.run.train.accumulate; ++j) batches.push_back(loop.next_batch());
  return batches;
}

CheckpointSpace checkpoint_space(const TrainingLoop& loop) {
  const OutputSettings& output = loop.output;
  const auto saves = [&](int64_t every) { return every > 0 ? double(loop.run.train.steps) / double(every) : 0.0; };
  const double most = saves(output.checkpoint_every) + saves(output.sample_every) + saves(output.keep_every) +
                      (output.keep_best > 0 ? saves(output.validate_every) : 0.0) + 1;
  const double kept = double(output.keep_checkpoints) + double(output.keep_best) + std::floor(saves(output.keep_every));
  TrainState state;
  loop.trainer.outline(state);
  CheckpointSpace space{.files = std::ceil(std::min(most, kept)), .size = double(payload_bytes(state)) + 1e5};
  std::error_code none;
  for (std::filesystem::directory_iterator it(loop.outputs.folder().file(checkpoint_folder), none), end;
       !none && it != end; it.increment(none))
    space.there += it->path().extension() == ".ckpt";
  return space;
}

void check_run_space(const TrainingLoop& loop) {
  const CheckpointSpace space = checkpoint_space(loop);
  const std::string folder = loop.outputs.folder().path();
  check_space(folder, space.needed(), free_space(folder),
              general_text(space.files + 1, 9) + " checkpoints of " + bytes_text(space.size) + " and samples");
}

void report_summary(const TrainingLoop& loop) {
  const std::vector<TrainingBatch> batches = next_batches(loop);
  Reporter& reporter = loop.reporter;
  reporter.note(loop.trainer.summary({batches[0].data, batches[0].conditions}));
  TrainState state;
  loop.trainer.outline(state);
  TrainState model;
  model.model = state.model;
  reporter.note(
      "multiply-adds and saved bytes are those of the forward pass of " + std::to_string(batches[0].data.size(0)) +
      " samples; weights, averages and the optimiser's state take " + bytes_text(double(payload_bytes(state))) +
      ", gradients up to " + bytes_text(double(payload_bytes(model))) + " more");
}

void report_dry_run(const TrainingLoop& loop) {
  const int64_t left = std::max<int64_t>(0, loop.run.train.steps - loop.trainer.steps());
  const CheckpointSpace space = checkpoint_space(loop);
  check_run_space(loop);
  const std::vector<TrainingBatch> batches = next_batches(loop);
  loop.trainer.step(micro_batches(batches));  // the first step also fills caches
  StepMetrics metrics{};
  const double step = seconds_of([&] { metrics = loop.trainer.step(micro_batches(batches)); });
  Reporter& reporter = loop.reporter;
  reporter.note("a step of " + std::to_string(samples_in(batches)) + " samples takes " + time_text(step) + "; loss " +
                general_text(metrics.loss, 5) + ", gradient norm " + general_text(metrics.grad_norm, 5) +
                "; the process has used " + bytes_text(peak_memory()) + " of memory at most");
  if (Communicator& ranks = loop.trainer.ranks(); ranks.size() > 1) {
    const StateBytes state = state_bytes(loop.trainer);
    reporter.note("each of " + std::to_string(ranks.size()) + " processes keeps at most " +
                  bytes_text(double(ranks.max(int64_t(state.kept)))) + " of the optimiser's state and the averages, " +
                  bytes_text(state.all) + " together");
  }
  std::string estimate = "the " + std::to_string(left) + " steps take about " + time_text(step * double(left));
  if (loop.output.validate_every > 0 && loop.held_out) {
    const std::vector<MicroBatch> held_out = loop.held_out();
    const double validation = seconds_of([&] { static_cast<void>(loop.trainer.validate(held_out)); });
    estimate += ", each of about " + std::to_string(left / loop.output.validate_every + 1) + " validations " +
                time_text(validation);
  }
  reporter.note(estimate + ", and what samples take");
  const std::string folder = loop.outputs.folder().path();
  const std::optional<uint64_t> free = free_space(folder);
  reporter.note("checkpoints of " + bytes_text(space.size) + ", up to " + general_text(space.files, 9) +
                " of them: " + bytes_text(space.needed()) + " of the disk of \"" + folder + "\"" +
                (free ? ", which has " + bytes_text(double(*free)) + " free" : ""));
}

}  // namespace ditharos::training
