// Losses as modules against PyTorch: results, gradients, state dicts, copies, and their place in containers.
#include <doctest/doctest.h>

#include <ditharos/nn/containers/module_list.h>
#include <ditharos/nn/containers/sequential.h>
#include <ditharos/nn/linear.h>
#include <ditharos/nn/losses/losses.h>
#include "tests/nn/module_golden.h"
#include "tests/support/message_of.h"

namespace ditharos::test_losses {

using namespace ditharos::tests;

namespace {

template <class M>
void check_two(const std::string& name, M module) {
  check_module("losses.safetensors", name, std::move(module),
               [](const M& m, const Tensors& in) { return Tensors{m(in[0], in[1])}; });
}

template <class M>
void check_three(const std::string& name, M module) {
  check_module("losses.safetensors", name, std::move(module),
               [](const M& m, const Tensors& in) { return Tensors{m(in[0], in[1], in[2])}; });
}

/// A network that owns its loss.
struct Classifier : nn::Module<Classifier> {
  nn::Sequential body;
  nn::CrossEntropyLoss loss{{.weight = ones({3})}};
  Tensor forward(const Tensor& x, const Tensor& labels) const { return loss(body(x), labels); }
  void visit(nn::Visitor& v) override { v("body", body), v("loss", loss); }
};

}  // namespace

TEST_CASE("loss modules: errors and divergences are PyTorch's") {
  check_two("mse", nn::MSELoss());
  check_two("l1", nn::L1Loss(Reduction::sum));
  check_two("smooth_l1", nn::SmoothL1Loss(.5));
  check_two("huber", nn::HuberLoss(1.5, Reduction::none));
  check_two("kl_div", nn::KLDivLoss(Reduction::batchmean));
  check_two("kl_div_log", nn::KLDivLoss(Reduction::sum, true));
  check_two("poisson_nll", nn::PoissonNLLLoss({.full = true}));
  check_three("gaussian_nll", nn::GaussianNLLLoss({.full = true}));
}

TEST_CASE("loss modules: losses of classes are PyTorch's") {
  const Tensor weight = ones({3});
  check_two("cross_entropy", nn::CrossEntropyLoss());
  check_two("cross_entropy_options",
            nn::CrossEntropyLoss({.weight = weight, .ignore_index = 1, .label_smoothing = .1}));
  check_two("cross_entropy_soft", nn::CrossEntropyLoss({.reduction = Reduction::none}));
  check_two("nll", nn::NLLLoss({.weight = weight, .ignore_index = 0}));
  check_two("bce", nn::BCELoss(weight));
  check_two("bce_with_logits", nn::BCEWithLogitsLoss({.weight = weight, .pos_weight = ones({3})}));
  check_two("multilabel_soft_margin", nn::MultiLabelSoftMarginLoss(weight));
  check_two("multi_margin", nn::MultiMarginLoss({.p = 2, .margin = .7, .weight = weight}));
  check_two("multilabel_margin", nn::MultiLabelMarginLoss());
  check_two("soft_margin", nn::SoftMarginLoss());
}

TEST_CASE("loss modules: losses of distances and of sequences are PyTorch's") {
  check_two("hinge_embedding", nn::HingeEmbeddingLoss(.5));
  check_three("margin_ranking", nn::MarginRankingLoss(.3));
  check_three("cosine_embedding", nn::CosineEmbeddingLoss(.1));
  check_three("triplet_margin", nn::TripletMarginLoss({.margin = 2, .p = 3, .swap = true}));
  check_three("triplet_distance",
              nn::TripletMarginWithDistanceLoss([](const Tensor& a, const Tensor& b) { return sum(abs(a - b), -1); }));
  check_two("pairwise_distance", nn::PairwiseDistance(1, 1e-6, true));
  check_two("cosine_similarity", nn::CosineSimilarity(0));
  check_module("losses.safetensors", "ctc", nn::CTCLoss({.blank = 2, .reduction = Reduction::sum}),
               [](const nn::CTCLoss& m, const Tensors& in) { return Tensors{m(in[0], in[1], in[2], in[3])}; });
}

TEST_CASE("loss modules: in a list, in a network, and in error messages") {
  nn::ModuleList losses;
  losses.append(nn::CrossEntropyLoss({.weight = full({3}, 2)}));
  losses.append(nn::CrossEntropyLoss());
  const nn::NamedTensors listed = nn::named_tensors(losses);
  REQUIRE(listed.size() == 1);
  CHECK(listed[0].name == "0.weight");
  CHECK(nn::named_parameters(losses).empty());

  Classifier network;
  network.body.append(nn::Linear(4, 3));
  nn::to(network, DType::f64);
  Generator rng(3);
  const Tensor x = rng.normal({5, 4}, DType::f64), labels = rng.randint(0, 3, {5});
  CHECK(network(x, labels).dtype() == DType::f64);
  CHECK(nn::named_tensors(network).back().name == "loss.weight");
  nn::name_modules(network);
  CHECK(message_of<ShapeError>([&] { static_cast<void>(network(x, zeros({4}, DType::i64))); }).find("loss") !=
        std::string::npos);
}

}  // namespace ditharos::test_losses
