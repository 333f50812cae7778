#pragma once
// Internal to training/.
// A training state whose tensors lie on several ranks, brought together on rank 0.
#include <vector>

#include <ditharos/nn/module.h>
#include <ditharos/training/distributed/communicator.h>

namespace ditharos::training {

/// Collective. On rank 0, replaces each tensor of the list by that of the rank that keeps it; keepers has one rank for
/// each. The lists of all ranks have the same names and shapes. On the other ranks nothing changes.
void gather_on_root(Communicator& ranks, nn::NamedTensors& list, const std::vector<int>& keepers);

/// Collective. The rows of all ranks' tensors, which have one dtype and equal sizes but for the first axis, one rank's
/// after the other's; on rank 0 alone, undefined on the others. Undefined tensors on all ranks give an undefined one.
[[nodiscard]] Tensor gather_rows_on_root(Communicator& ranks, const Tensor& rows);

}  // namespace ditharos::training
