#pragma once
#include <concepts>
#include <memory>
#include <utility>

#include <ditharos/autograd/checkpoint.h>
#include <ditharos/nn/module.h>

namespace ditharos::nn {

/// module(x...), computed again in the backward pass instead of kept (see autograd/checkpoint.h). All that the
/// module trains is found by its visit().
template <class M, std::same_as<Tensor>... X>
Tensor checkpoint(const M& module, const X&... x) {
  std::vector<Tensor> parameters;
  for (const NamedTensor& p : named_parameters(module)) parameters.push_back(p.tensor);
  const auto copy = [&] {  // with the same parameters, and the mode (training or not) of this moment
    const SharingScope scope;
    return std::make_shared<const M>(module);
  }();
  const auto block = [copy](const std::vector<Tensor>& in) {
    return [&]<size_t... i>(std::index_sequence<i...>) { return (*copy)(in[i]...); }(std::index_sequence_for<X...>{});
  };
  return ditharos::checkpoint(block, {x...}, parameters);
}

}  // namespace ditharos::nn
