#pragma once
// Work in pieces that ranks share, such as the batches of samples.
#include <cstdint>
#include <functional>
#include <vector>

#include <ditharos/tensor/tensor.h>
#include <ditharos/training/distributed/communicator.h>

namespace ditharos::training {

/// Collective. Piece i of `count` is done by rank i mod size. On rank 0 the results of all pieces in their order, on
/// other ranks nothing; `ranks` null: all by this process. Results are contiguous f32 tensors of up to 8 axes.
[[nodiscard]] std::vector<Tensor> share_work(Communicator* ranks, int64_t count,
                                             const std::function<Tensor(int64_t piece)>& work);

}  // namespace ditharos::training
