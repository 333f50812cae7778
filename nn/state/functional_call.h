#pragma once
// A module as a function of its parameters, as torch.func.functional_call: for derivatives with respect to parameters,
// parameters that another network computes, and ensembles.
#include <utility>
#include <vector>

#include <ditharos/nn/module.h>

namespace ditharos::nn {

/// Puts tensors in the place of a module's parameters and buffers, by name. A tensor that the module lists under
/// several names (tied weights) is replaced under all of them. Nothing changes if it throws: ConfigError for a name
/// that the module does not have, that comes twice, or that is tied to another name with another tensor; ShapeError for
/// another shape.
void put_tensors(ModuleBase& module, const NamedTensors& tensors);

/// `values` under the names of named_parameters(module), in that order; ShapeError unless their number agrees.
[[nodiscard]] NamedTensors with_parameter_names(const ModuleBase& module, const std::vector<Tensor>& values);

/// module(x...) with the given tensors in the place of its parameters and buffers, those of `module` staying as they
/// are. Tensors that are not named are the module's own. Gradients flow to the given tensors, which may be results of
/// other operations. Errors as put_tensors().
template <class M, class... X>
[[nodiscard]] auto functional_call(const M& module, const NamedTensors& tensors, X&&... x) {
  M copy = share(module);
  put_tensors(copy, tensors);
  return std::as_const(copy)(std::forward<X>(x)...);
}

/// The same with all parameters, in the order of named_parameters(module): what jvp(), hessian() and vmap() hand on.
template <class M, class... X>
[[nodiscard]] auto functional_call(const M& module, const std::vector<Tensor>& parameters, X&&... x) {
  return functional_call(module, with_parameter_names(module, parameters), std::forward<X>(x)...);
}

}  // namespace ditharos::nn
