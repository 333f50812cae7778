#pragma once
// Less memory for more time: a part of the computation forgets what it computed and repeats it in the backward pass
// (Chen et al. 2016, "Training deep nets with sublinear memory cost").
#include <functional>
#include <vector>

#include <ditharos/tensor/random.h>
#include <ditharos/tensor/tensor.h>

namespace ditharos {

/// A computation of one tensor from several. It may draw random numbers from `rng`, and from any other generator: the
/// second run draws what the first drew, and advances none.
using CheckpointBlock = std::function<Tensor(const std::vector<Tensor>& inputs, Generator& rng)>;

/// block(inputs, rng), without keeping anything for the backward pass but the inputs; the backward pass runs the block
/// again, with the random numbers it had, and differentiates that. The value has the bits of the plain call. So have
/// its derivatives of any order, with one exception: a gradient to which several blocks contribute may be added up in
/// another order, and then differs by rounding.
///
/// inputs: what the block is a function of; undefined ones are passed on. parameters: everything else that needs a
/// gradient and that the block uses. The backward pass throws AutogradError if the block used anything that is not
/// listed, because its gradient would be lost, if a listed tensor was modified in between, or if the second run makes
/// other draws than the first (more, fewer or longer ones). What the block draws on threads of its own is not known. A
/// constant that the block captures is read again in the backward pass and not watched; list it among the inputs to
/// have writes to it noticed.
/// rng: advances as in the plain call.
Tensor checkpoint(CheckpointBlock block, const std::vector<Tensor>& inputs, const std::vector<Tensor>& parameters,
                  Generator& rng);
/// The same for a block that needs no generator handed to it.
Tensor checkpoint(std::function<Tensor(const std::vector<Tensor>&)> block, const std::vector<Tensor>& inputs,
                  const std::vector<Tensor>& parameters);

}  // namespace ditharos
