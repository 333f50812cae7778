#pragma once
// The data of a step with their origin.
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <ditharos/training/trainer.h>

namespace ditharos::training {

struct TrainingBatch {
  Tensor data;                             ///< [B, ...]
  Tensor conditions = {};                  ///< i64 [B, ...]; undefined for a model without any
  std::vector<int64_t> indices = {};       ///< of the samples in their source; empty: not known
  std::vector<std::string> captions = {};  ///< or names of the samples; empty: none
  int64_t first = 0, total = 0;            ///< with several ranks, as in MicroBatch
};

/// The parts of a step as the trainer takes them.
[[nodiscard]] std::vector<MicroBatch> micro_batches(const std::vector<TrainingBatch>& batches);

/// Collective. The batches of all ranks, on rank 0; on the others what they had.
[[nodiscard]] std::vector<TrainingBatch> gather_batches(Communicator& ranks, std::vector<TrainingBatch> batches);

/// Writes `folder`/step_00001234.safetensors: the parts' samples, conditions and indices ("samples", or "samples.0" and
/// so on of several), and as metadata the step, the reason and the captions as a JSON list. Creates the folder. Returns
/// the path, or "" without writing where the folder has `most` such files. IoError when it cannot be written.
[[nodiscard]] std::string save_batch(const std::string& folder, int64_t step, const std::vector<TrainingBatch>& batches,
                                     const std::string& reason, int64_t most);

}  // namespace ditharos::training
