// The modules of nn/ against PyTorch: outputs and all gradients.
#include <doctest/doctest.h>

#include <cmath>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/nn/attention.h>
#include <ditharos/nn/embedding.h>
#include <ditharos/nn/mlp.h>
#include <ditharos/nn/norm.h>
#include <ditharos/nn/state_dict.h>
#include <ditharos/tensor/factory.h>
#include "tests/support/golden.h"

using namespace ditharos;
using ditharos::tests::difference;
using ditharos::tests::Golden;

namespace {

constexpr double tolerance = 2e-6;  // PyTorch's side was computed in double
/// The angles of the time features of f32 are rounded to f32, those of the golden file are not.
constexpr double time_tolerance = 2e-5;

/// Loads the stored parameters and compares the output, and the gradients of sum(output * cotangent).
template <class M>
void check_module(M module, const std::string& name) {
  CAPTURE(name);
  const double allowed = name == "time" ? time_tolerance : tolerance;
  const Golden golden("nn.golden");
  nn::load_state_dict(module, golden.with_prefix(name + ".state."));
  const Tensor x = golden.at(name + ".x");
  nn::audit(sum(module(x)), module);
  const bool continuous = name != "labels" && name != "time";
  if (continuous) x.set_requires_grad();
  const Tensor y = module(x);
  CHECK_LT(difference(y, golden.at(name + ".y")), allowed);

  sum(y * golden.at(name + ".cotangent")).backward();
  for (const auto& [key, parameter] : nn::named_parameters(module)) {
    const auto shown = key;
    CAPTURE(shown);
    CHECK_LT(difference(parameter.grad(), golden.at(name + ".grad." + key)), allowed);
  }
  if (continuous) CHECK_LT(difference(x.grad(), golden.at(name + ".grad_x")), tolerance);
}

/// DiT's name for the table of labels.
struct Labels : nn::Module<Labels> {
  nn::Embedding table;
  explicit Labels(Generator& rng) : table(7, 8, rng) {}
  Tensor forward(const Tensor& y) const { return table(y); }
  void visit(nn::Visitor& v) override { v("embedding_table", table); }
};

}  // namespace

TEST_CASE("nn golden: layer norm, attention, MLP and embeddings as in PyTorch") {
  Generator rng(1);
  check_module(nn::LayerNorm(12), "layer_norm");
  check_module(nn::Attention(16, 4, rng), "attention");
  check_module(nn::Mlp(8, 20, rng), "mlp");
  check_module(Labels(rng), "labels");
  check_module(nn::TimestepEmbedder(8, rng), "time");
}

TEST_CASE("nn golden: time features, cosines first") {
  const Golden golden("nn.golden");
  const Tensor times = golden.at("times");
  CHECK_LT(difference(nn::timestep_features(times, 256), golden.at("time_features")), 6e-5);
  CHECK_LT(difference(nn::timestep_features(to(times, DType::f64), 256), golden.at("time_features")), 1e-6);
}

TEST_CASE("nn golden: features of large times in f32 have the rounded angles of PyTorch, and in f64 those of double") {
  struct Feature {
    int64_t index;
    double f32, f64;  // sin(999.25 10000^(-index / 128)), computed by torch 2.13
  };
  const std::vector<double> single = nn::timestep_features(full({1}, 999.25), 256).to_vector<double>();
  const std::vector<double> twice = nn::timestep_features(full({1}, 999.25, DType::f64), 256).to_vector<double>();
  for (const Feature& f :
       {Feature{1, -0.037332311272621155, -0.037304905554912074}, Feature{10, 0.33781731128692627, 0.3377842508720231},
        Feature{19, -0.16870367527008057, -0.16873645426840797}}) {
    CAPTURE(f.index);
    CHECK_LT(std::abs(single[size_t(128 + f.index)] - f.f32), 1e-7);
    CHECK_LT(std::abs(twice[size_t(128 + f.index)] - f.f64), 1e-11);
  }
}

TEST_CASE("nn golden: adaptive layer norm and gated residual") {
  const Golden golden("nn.golden");
  const char* names[] = {"x", "shift", "scale", "gate", "branch"};
  std::vector<Tensor> v;
  for (const char* name : names) v.push_back(golden.at(std::string("adaln.") + name).set_requires_grad());

  const Tensor modulated = layer_norm_modulate(v[0], v[1], v[2]), gated = gated_residual(v[0], v[3], v[4]);
  CHECK_LT(difference(modulated, golden.at("adaln.modulated")), tolerance);
  CHECK_LT(difference(gated, golden.at("adaln.gated")), tolerance);
  const Tensor loss =
      sum(modulated * golden.at("adaln.cotangent_modulated")) + sum(gated * golden.at("adaln.cotangent_gated"));
  loss.backward();
  for (size_t i = 0; i < v.size(); ++i) {
    CAPTURE(names[i]);
    CHECK_LT(difference(v[i].grad(), golden.at(std::string("adaln.grad_") + names[i])), tolerance);
  }
}
