#pragma once
// Internal to training/.
// What a run would be: its model as a table, a step's time and memory, and estimates of the whole.
#include <ditharos/training/training_loop.h>

namespace ditharos::training {

/// Reports the table of the model's modules for the first batch, and the bytes that training it takes.
void report_summary(const TrainingLoop& loop);
/// Computes two steps on the first batch and reports the time and the memory of the second, and estimates of the run.
/// Checks the free space of the disk. Writes nothing; the trainer has made the steps.
void report_dry_run(const TrainingLoop& loop);

/// Bytes of the run's checkpoints at the time when they are most. `files` of `size` bytes; `there` of them exist.
struct CheckpointSpace {
  double files = 0, size = 0, there = 0;
  double needed() const;
};
[[nodiscard]] CheckpointSpace checkpoint_space(const TrainingLoop& loop);
/// ConfigError unless the disk of the run's folder has room for its checkpoints, one more while it is saved, and
/// samples.
void check_run_space(const TrainingLoop& loop);
/// The batches of one step.
[[nodiscard]] std::vector<TrainingBatch> next_batches(const TrainingLoop& loop);

}  // namespace ditharos::training
