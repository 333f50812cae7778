// Every operation against PyTorch: results and gradients on random inputs, from tests/golden/op.safetensors.
#include <doctest/doctest.h>

#include <cstdio>
#include <set>

#include <ditharos/autograd/engine.h>
#include <ditharos/tensor/io/safetensors.h>
#include <ditharos/tensor/kernels/linalg/linalg.h>
#include "tests/op_table/golden/op_golden_table.h"
#include "tests/op_table/op_table.h"
#include "tests/support/golden.h"
#include "tests/support/paths.h"

using namespace ditharos;
using namespace ditharos::tests;

namespace {

const safetensors::Contents& file() {
  static const safetensors::Contents contents = safetensors::load(golden_folder() + "/op.safetensors");
  return contents;
}

/// The tensor of an entry, or an undefined one.
Tensor stored(const std::string& entry, const std::string& what) {
  const auto found = file().tensors.find(entry + "/" + what);
  return found == file().tensors.end() ? Tensor{} : found->second;
}

std::set<std::string> stored_entries() {
  std::set<std::string> names;
  for (const auto& [name, tensor] : file().tensors)
    if (name.ends_with("/out")) names.insert(name.substr(0, name.size() - 4));
  return names;
}

/// The operation that an entry is about: "pow#zeros" is about "pow".
std::string operation_of(const std::string& entry) { return entry.substr(0, entry.find('#')); }

/// Differences from PyTorch's float64 arithmetic that rounding explains.
double tolerance_of(const std::string& entry) {
  if (entry == "hardsigmoid") return 1e-7;  // PyTorch's slope is 1/6 rounded to f32
  // PyTorch's trigamma, the gradient of digamma, leaves terms of 1e-9 out. The op table has the exact values.
  if (entry.starts_with("digamma") || entry == "polygamma" || entry == "polygamma#0") return 1e-9;
  return entry == "to" ? 0 : entry.starts_with("linalg.") ? 1e-10 : 1e-12;
}

/// Compares one entry; returns the number of gradients.
int compare(const std::string& entry, const GoldenOperation& f) {
  CAPTURE(entry);
  Tensors inputs, wanted, variables;
  for (int i = 0;; ++i) {
    const Tensor x = stored(entry, "in" + std::to_string(i)), g = stored(entry, "grad" + std::to_string(i));
    if (!x.defined()) break;
    inputs.push_back(g.defined() ? x.detach().set_requires_grad() : x);
    if (!g.defined()) continue;
    variables.push_back(inputs.back());
    wanted.push_back(g);
  }
  const Tensor out = f(inputs), want = stored(entry, "out");
  CHECK(out.dtype() == want.dtype());
  CHECK(difference(out, want) <= tolerance_of(entry));
  if (variables.empty()) return 0;
  const Tensors got = grad({out}, variables, {stored(entry, "w")});
  for (size_t i = 0; i < got.size(); ++i) {
    CAPTURE(i);
    CHECK(difference(got[i], wanted[i]) <= tolerance_of(entry));
  }
  return int(got.size());
}

}  // namespace

TEST_CASE("op golden: results and gradients are PyTorch's") {
  CHECK(file().metadata.at("pytorch").starts_with("2."));
  int gradients = 0;
  for (const auto& [entry, f] : golden_operations()) {
    const auto& shown = entry;
    REQUIRE_MESSAGE(stored(entry, "out").defined(), shown << " is not in op.safetensors");
    gradients += compare(entry, f);
  }
  std::printf("op golden: %zu entries with %d gradients, PyTorch %s\n", golden_operations().size(), gradients,
              file().metadata.at("pytorch").c_str());
}

TEST_CASE("op golden: nothing is left out") {
  const std::set<std::string> entries = stored_entries();
  for (const std::string& entry : entries) {
    const bool needs_lapack = entry.starts_with("linalg.") && !kernels::has_lapack();
    CHECK_MESSAGE((golden_operations().count(entry) == 1 || needs_lapack), entry << " is stored but not compared");
  }
  // Operations without an entry, and why.
  const std::map<std::string, std::string> excused = {
      {"dropout", "PyTorch draws other random numbers"},
      {"identity", "internal: what a fused rule puts in front of its inputs"},
      {"checkpoint", "computes a block again: compared with the plain call in test_recompute.cpp"},
      {"conv_weight_gradient", "internal: compared as the gradient of conv2d"},
      {"gated_residual_norm", "two results in one pass: compared as gated_residual and layer_norm_modulate"},
      {"rope", "PyTorch has no such function: compared with its definition in the op table"},
      {"normal_cdf", "internal: compared as the gradient of gelu"},
      {"multinomial", "PyTorch draws other random numbers"},
      {"gradient of slice", "internal: compared as the gradient of slice"},
  };
  std::set<std::string> compared;
  for (const auto& [entry, f] : golden_operations()) compared.insert(operation_of(entry));
  for (const Row& row : op_table()) {
    const std::string& name = row.name;
    CHECK_MESSAGE((compared.count(name) == 1) != (excused.count(name) == 1),
                  name << " has no entry, or one and an excuse");
  }
}
