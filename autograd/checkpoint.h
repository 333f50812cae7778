#pragma once
// Activation checkpointing: a part of the computation saves only its inputs and runs again in the backward pass. It
// takes less memory and more time (Chen et al. 2016, "Training deep nets with sublinear memory cost").
#include <functional>
#include <vector>

#include <ditharos/tensor/random.h>
#include <ditharos/tensor/tensor.h>

namespace ditharos {

/// A computation of one tensor from several. It may draw random numbers from `rng` and from any other generator. The
/// second run draws the numbers of the first and advances no generator.
using CheckpointBlock = std::function<Tensor(const std::vector<Tensor>& inputs, Generator& rng)>;

/// block(inputs, rng). Only the inputs are saved for the backward pass, which runs the block again with the same random
/// numbers and differentiates it. The value has the bits of the plain call. Its derivatives of any order do too, with
/// one exception: a gradient to which several blocks contribute may be added up in another order, and then differs by
/// rounding.
///
/// inputs: the arguments of the block; undefined ones are passed on. parameters: all other tensors that the block uses
/// and that need a gradient. The backward pass throws AutogradError in three cases: the block used a tensor that needs
/// a gradient and is not listed, whose gradient would be lost; a listed tensor was modified in between; or the second
/// run makes other draws than the first (more, fewer or longer ones). Draws of the block on threads of its own are not
/// replayed. A captured constant is read again in the backward pass, and writes to it are not detected; list it among
/// the inputs to detect them. rng: advances as in the plain call.
Tensor checkpoint(CheckpointBlock block, const std::vector<Tensor>& inputs, const std::vector<Tensor>& parameters,
                  Generator& rng);
/// The same for a block without a generator argument.
Tensor checkpoint(std::function<Tensor(const std::vector<Tensor>&)> block, const std::vector<Tensor>& inputs,
                  const std::vector<Tensor>& parameters);

}  // namespace ditharos
