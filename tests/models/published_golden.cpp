#include "tests/models/published_golden.h"

#include <doctest/doctest.h>

#include <algorithm>

#include <ditharos/autograd/ops.h>
#include <ditharos/nn/state_dict.h>
#include "tests/support/tensor_cases.h"

namespace ditharos::tests {

std::map<std::string, Tensor> published_tensors(const Golden& golden, const std::string& prefix) {
  std::map<std::string, Tensor> tensors;
  for (const auto& [name, tensor] : golden.with_prefix(prefix)) tensors.emplace(name, tensor);
  return tensors;
}

void load_published(nn::ModuleBase& module, const nn::NameMap& names, const Golden& golden, const std::string& prefix) {
  nn::load_state_dict(module, names.to_own(published_tensors(golden, prefix + "state."), nn::named_tensors(module)));
}

void check_published_state(const nn::ModuleBase& module, const nn::NameMap& names, const Golden& golden,
                           const std::string& prefix) {
  const auto got = names.to_published(nn::named_tensors(module)), want = published_tensors(golden, prefix + "state.");
  CHECK_EQ(got.size(), want.size());
  for (const auto& entry : want) {
    CAPTURE(entry.first);
    REQUIRE(got.contains(entry.first));
    CHECK(same_bits(contiguous(got.at(entry.first)), entry.second));
  }
}

void check_published_gradients(const nn::ModuleBase& module, const nn::NameMap& names, const Golden& golden,
                               const std::string& prefix, double tolerance) {
  nn::NamedTensors own;
  for (const auto& [name, parameter] : nn::named_parameters(module)) own.push_back({name, parameter.grad()});
  const auto got = names.to_published(own), want = published_tensors(golden, prefix + "grad.");
  CHECK_EQ(got.size(), want.size());
  double largest = 0;
  for (const auto& entry : want) largest = std::max(largest, amax(abs(entry.second)).item());
  for (const auto& entry : want) {
    CAPTURE(entry.first);
    REQUIRE(got.contains(entry.first));
    const Tensor error = amax(abs(got.at(entry.first) - entry.second));
    CHECK_LT(error.item(), std::max(tolerance * amax(abs(entry.second)).item(), 1e-6 * largest));
  }
}

}  // namespace ditharos::tests
