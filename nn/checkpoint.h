#pragma once
#include <concepts>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <ditharos/autograd/checkpoint.h>
#include <ditharos/nn/module.h>

namespace ditharos::nn {

/// Calls f(tensor) for each Tensor& of an argument that may need a gradient: a Tensor itself, the elements of a vector,
/// and the tensors of a context with a member function template visit_tensors(f), which calls f with each. Other types
/// have none.
template <class X, class F>
void for_each_tensor(X& argument, const F& f) {
  if constexpr (std::same_as<X, Tensor>) f(argument);
  else if constexpr (std::same_as<X, std::vector<Tensor>>)
    for (Tensor& tensor : argument) f(tensor);
  else if constexpr (requires { argument.visit_tensors(f); }) argument.visit_tensors(f);
}

/// How checkpoint stores an argument: by value, and a parameter by its handle.
template <class X>
using KeptArgument = std::conditional_t<std::derived_from<std::decay_t<X>, Tensor>, Tensor, std::decay_t<X>>;

/// module(x...), computed again in the backward pass instead of saved (see autograd/checkpoint.h). visit() gives all
/// parameters of the module. The arguments are those of forward: tensors, numbers, contexts, and one Generator& to draw
/// from. A context with tensors that need a gradient names them by visit_tensors (see for_each_tensor); otherwise the
/// backward pass throws AutogradError. Contexts are copied; what they point to has to live until the backward pass.
///
///   struct Clip {
///     int64_t frames = 0;
///     Tensor text;  // [B, L, W]
///     template <class F> void visit_tensors(F&& f) { f(text); }
///   };
///   h = nn::checkpoint(block, h, clip);
template <class M, class... X>
Tensor checkpoint(const M& module, X&&... x) {
  constexpr auto is_generator = []<class A>(std::type_identity<A>) { return std::same_as<A, Generator&>; };
  static_assert((0 + ... + int(is_generator(std::type_identity<X>()))) <= 1, "a module draws from one generator");
  std::vector<Tensor> parameters, inputs;
  for (const NamedTensor& p : named_parameters(module)) parameters.push_back(p.tensor);
  const auto copy = [&] {  // with the same parameters, and the mode (training or not) of this moment
    const SharingScope scope;
    return std::make_shared<const M>(module);
  }();
  Generator unused, *rng = &unused;
  const auto find_generator = [&]<class A>(A& a) {
    if constexpr (std::same_as<A, Generator>) rng = &a;
  };
  (find_generator(x), ...);
  std::tuple<KeptArgument<X>...> arguments(x...);  // without the tensors, which are the block's inputs
  const auto take = [&](Tensor& tensor) { inputs.push_back(std::exchange(tensor, {})); };
  std::apply([&](auto&... a) { (for_each_tensor(a, take), ...); }, arguments);
  const auto block = [copy, arguments](const std::vector<Tensor>& in, Generator& draws) -> Tensor {
    auto given = arguments;
    size_t next = 0;
    const auto put = [&](Tensor& tensor) { tensor = in[next++]; };
    const auto passed = [&]<class A>(std::type_identity<A>, auto& a) -> auto& {
      if constexpr (std::same_as<A, Generator&>) return draws;
      else return std::as_const(a);
    };
    return std::apply(
        [&](auto&... a) {
          (for_each_tensor(a, put), ...);
          return (*copy)(passed(std::type_identity<X>(), a)...);
        },
        given);
  };
  return ditharos::checkpoint(block, inputs, parameters, *rng);
}

}  // namespace ditharos::nn
