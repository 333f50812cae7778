#pragma once
// Internal to training/.
// What ranks tell each other at the end of a step's backward passes.
#include <cstdint>
#include <string>
#include <vector>

#include <ditharos/training/distributed/communicator.h>
#include <ditharos/training/distributed/gradient_exchange.h>
#include <ditharos/training/run_counts.h>

namespace ditharos::training {

/// The loss of one micro-batch's part in one shard.
struct StepPart {
  double loss = 0;  ///< times its share of the step's samples
  LossByTime by_time;
};

struct StepSummary {
  std::string failure;                ///< why the step is not finite; empty: it is
  std::vector<StepPart> parts;        ///< shard by shard
  std::vector<uint8_t> had_gradient;  ///< [parameter], 1: some shard had a gradient
  std::vector<double> squares;        ///< [parameter], optim::gradient_squares
};

/// Collective. The parts of all ranks in the order of the shards, the failure of the first shard that failed, and for
/// each parameter whether any rank had a gradient, and its owner's squares.
[[nodiscard]] StepSummary gather(Communicator& ranks, const StepSummary& own, const GradientExchange& exchange);

}  // namespace ditharos::training
