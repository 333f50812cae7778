// The entries of tests/golden/op_golden_losses.py, as they are computed here.
#include "tests/op_table/golden/op_golden_losses.h"

#include <ditharos/autograd/ops.h>
#include "tests/op_table/golden/op_golden_calls.h"

namespace ditharos::tests {
namespace op_golden_losses {
namespace {

using Named = std::pair<std::string, Reduction>;
const std::vector<Named> reductions = {{"none", Reduction::none}, {"mean", Reduction::mean}, {"sum", Reduction::sum}};

/// Input i, if there is one.
Tensor optional(const Tensors& in, size_t i) { return i < in.size() ? in[i] : Tensor{}; }

void add_errors(GoldenEntries& all) {
  for (const auto& named : reductions) {
    const std::string& r = named.first;
    const Reduction how = named.second;
    all["mse_loss#weight " + r] = [=](const Tensors& in) { return mse_loss(in[0], in[1], how, in[2]); };
    all["l1_loss#weight " + r] = [=](const Tensors& in) { return l1_loss(in[0], in[1], how, in[2]); };
    all["huber_loss#weight " + r] = [=](const Tensors& in) { return huber_loss(in[0], in[1], 1, how, in[2]); };
    all["smooth_l1_loss#l1 " + r] = [=](const Tensors& in) { return smooth_l1_loss(in[0], in[1], 0, how); };
  }
  std::vector<Named> with_batch = reductions;
  with_batch.emplace_back("batchmean", Reduction::batchmean);
  for (const auto& named : with_batch)
    for (const bool logs : {false, true})
      all["kl_div#" + named.first + (logs ? " log" : "")] = [how = named.second, logs](const Tensors& in) {
        return kl_div(in[0], in[1], how, logs);
      };
}

void add_binary(GoldenEntries& all) {
  for (const auto& named : reductions) {
    const std::string& r = named.first;
    const Reduction how = named.second;
    for (const std::string& weight : {std::string(), std::string("weight ")}) {
      all["binary_cross_entropy#" + weight + r] = [=](const Tensors& in) {
        return binary_cross_entropy(in[0], in[1], optional(in, 2), how);
      };
      all["multilabel_soft_margin_loss#" + weight + r] = [=](const Tensors& in) {
        return multilabel_soft_margin_loss(in[0], in[1], optional(in, 2), how);
      };
    }
    all["binary_cross_entropy_with_logits#both " + r] = [=](const Tensors& in) {
      return binary_cross_entropy_with_logits(in[0], in[1], {.weight = in[2], .pos_weight = in[3], .reduction = how});
    };
    all["soft_margin_loss#" + r] = [=](const Tensors& in) { return soft_margin_loss(in[0], in[1], how); };
  }
  all["multilabel_soft_margin_loss#one"] = [](const Tensors& in) { return multilabel_soft_margin_loss(in[0], in[1]); };
}

void add_likelihoods(GoldenEntries& all) {
  for (const auto& named : reductions) {
    const std::string& r = named.first;
    const Reduction how = named.second;
    for (const bool full : {false, true}) {
      const std::string suffix = full ? " full" : "";
      for (const bool logs : {false, true})
        all["poisson_nll_loss#" + r + (logs ? " log" : " rate") + suffix] = [=](const Tensors& in) {
          return poisson_nll_loss(in[0], in[1], {.log_input = logs, .full = full, .eps = 1e-3, .reduction = how});
        };
      for (const char* kind : {" each", " row", " column"})
        all["gaussian_nll_loss#" + r + kind + suffix] = [=](const Tensors& in) {
          return gaussian_nll_loss(in[0], in[1], in[2], {.full = full, .eps = .4, .reduction = how});
        };
    }
  }
  all["gaussian_nll_loss#number"] = [](const Tensors& in) { return gaussian_nll_loss(in[0], in[1], .7); };
}

void add_embeddings(GoldenEntries& all) {
  for (const auto& named : reductions) {
    const std::string& r = named.first;
    const Reduction how = named.second;
    all["hinge_embedding_loss#" + r] = [=](const Tensors& in) { return hinge_embedding_loss(in[0], in[1], .5, how); };
    all["margin_ranking_loss#" + r] = [=](const Tensors& in) {
      return margin_ranking_loss(in[0], in[1], in[2], .3, how);
    };
    all["cosine_embedding_loss#" + r] = [=](const Tensors& in) {
      return cosine_embedding_loss(in[0], in[1], in[2], .1, how);
    };
    for (const int p : {2, 1, 3})
      all["triplet_margin_loss#" + r + " " + std::to_string(p)] = [=](const Tensors& in) {
        return triplet_margin_loss(in[0], in[1], in[2],
                                   {.margin = 1.5, .p = double(p), .swap = p != 2, .reduction = how});
      };
    all["triplet_margin_with_distance_loss#" + r] = [=](const Tensors& in) {
      const auto squares = [](const Tensor& a, const Tensor& b) { return sum(square(a - b), -1); };
      return triplet_margin_with_distance_loss(in[0], in[1], in[2], squares,
                                               {.margin = 2, .swap = true, .reduction = how});
    };
  }
  all["hinge_embedding_loss#default"] = [](const Tensors& in) { return hinge_embedding_loss(in[0], in[1]); };
  all["margin_ranking_loss#default"] = [](const Tensors& in) { return margin_ranking_loss(in[0], in[1], in[2]); };
  all["cosine_embedding_loss#one"] = [](const Tensors& in) { return cosine_embedding_loss(in[0], in[1], in[2]); };
  all["triplet_margin_loss#default"] = [](const Tensors& in) { return triplet_margin_loss(in[0], in[1], in[2]); };
  all["pairwise_distance"] = [](const Tensors& in) { return pairwise_distance(in[0], in[1]); };
  all["pairwise_distance#p"] = [](const Tensors& in) { return pairwise_distance(in[0], in[1], 3, .01, true); };
}

void add_margins(GoldenEntries& all) {
  for (const auto& named : reductions) {
    const std::string& r = named.first;
    const Reduction how = named.second;
    for (const int p : {1, 2})
      for (const char* weight : {"", " weight"})
        all["multi_margin_loss#" + r + " " + std::to_string(p) + weight] = [=](const Tensors& in) {
          return multi_margin_loss(in[0], in[1], {.p = p, .margin = .7, .weight = optional(in, 2), .reduction = how});
        };
    all["multilabel_margin_loss#" + r] = [=](const Tensors& in) { return multilabel_margin_loss(in[0], in[1], how); };
  }
  all["multi_margin_loss#one"] = [](const Tensors& in) { return multi_margin_loss(in[0], in[1]); };
  all["multilabel_margin_loss#one"] = [](const Tensors& in) { return multilabel_margin_loss(in[0], in[1]); };
}

void add_classes(GoldenEntries& all) {
  for (const auto& named : reductions) {
    const Reduction how = named.second;
    for (const std::string& shape : {std::string("1d"), std::string("2d"), std::string("one")}) {
      const std::string suffix = shape + " " + named.first;
      all["cross_entropy#" + suffix] = [=](const Tensors& in) {
        return cross_entropy(in[0], in[1],
                             {.weight = in[2], .ignore_index = 9, .label_smoothing = .2, .reduction = how});
      };
      all["nll_loss#" + suffix] = [=](const Tensors& in) {
        return nll_loss(in[0], in[1], {.weight = in[2], .ignore_index = 9, .reduction = how});
      };
      for (const double smoothing : {0.0, .2})
        all["cross_entropy#soft " + suffix + (smoothing > 0 ? " smooth" : "")] = [=](const Tensors& in) {
          return cross_entropy(in[0], in[1], {.weight = in[2], .label_smoothing = smoothing, .reduction = how});
        };
    }
  }
  all["cross_entropy#soft"] = [](const Tensors& in) { return cross_entropy(in[0], in[1]); };
}

void add_ctc(GoldenEntries& all) {
  for (const auto& named : reductions) {
    const std::string& r = named.first;
    const Reduction how = named.second;
    all["ctc_loss#" + r] = [=](const Tensors& in) {
      return ctc_loss(in[0], in[1], {7, 5, 6}, {3, 2, 0}, {.reduction = how});
    };
    all["ctc_loss#" + r + " joined logits"] = [=](const Tensors& in) {
      const Tensor inputs = from_vector<int64_t>({7, 5, 6}), targets = from_vector<int64_t>({3, 2, 0});
      return ctc_loss(log_softmax(in[0], 2), in[1], inputs, targets, {.reduction = how});
    };
    all["ctc_loss#" + r + " zero_infinity"] = [=](const Tensors& in) {
      return ctc_loss(log_softmax(in[0], 2), in[1], {6, 4}, {3, 3},
                      {.blank = 4, .reduction = how, .zero_infinity = true});
    };
  }
  all["ctc_loss#one"] = [](const Tensors& in) { return ctc_loss(log_softmax(in[0], 1), in[1], {6}, {2}); };
}

void add_attention(GoldenEntries& all) {
  const auto with = [&](const std::string& variant, const ScaledDotProductOptions& options) {
    all["scaled_dot_product_attention#" + variant] = [=](const Tensors& in) {
      ScaledDotProductOptions given = options;
      given.attn_mask = optional(in, 3);
      return scaled_dot_product_attention(in[0], in[1], in[2], given);
    };
  };
  with("scale", {.scale = .3});
  with("causal scale", {.is_causal = true, .scale = .3});
  with("gqa", {.enable_gqa = true});
  with("gqa causal", {.is_causal = true, .enable_gqa = true});
  with("bool gqa", {.scale = .8, .enable_gqa = true});
  with("added scale", {.scale = .8});
  with("added constant", {.scale = .8});
  with("three axes", {});
  with("two axes", {});
  with("five axes", {.scale = .5});
}

}  // namespace
}  // namespace op_golden_losses

GoldenEntries golden_losses() {
  GoldenEntries all;
  for (const auto& family :
       {op_golden_losses::add_errors, op_golden_losses::add_binary, op_golden_losses::add_likelihoods,
        op_golden_losses::add_embeddings, op_golden_losses::add_margins, op_golden_losses::add_classes,
        op_golden_losses::add_ctc, op_golden_losses::add_attention})
    family(all);
  return all;
}

}  // namespace ditharos::tests
