#pragma once
// States of training for the tests of checkpoints.
#include <string>

#include <ditharos/training/checkpoint/checkpoint.h>

namespace ditharos::tests {

/// One of everything a checkpoint can hold, in under 3 KiB: every dtype, a scalar, an empty and a strided tensor.
/// tests/golden/checkpoint_v1.ckpt is save_checkpoint() of it: never change it, add another for a new format.
training::TrainState fixture_state();

/// The same with further averages, which need format 2: tests/golden/checkpoint_v2.ckpt.
training::TrainState fixture_state_2();

/// Some tensors of `elements` values, all of which depend on `step`.
training::TrainState state_at(int64_t step, int64_t elements);

/// Empty when both hold the same bits, else the first difference.
std::string first_difference(const training::TrainState& a, const training::TrainState& b);

}  // namespace ditharos::tests
