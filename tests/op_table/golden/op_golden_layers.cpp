#include "tests/op_table/golden/op_golden_layers.h"

#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/indexing/embedding.h>
#include <ditharos/autograd/ops/normalization/instance_norm.h>
#include <ditharos/autograd/ops/recurrent/recurrent.h>
#include "tests/op_table/golden/op_golden_calls.h"

namespace ditharos::tests {
namespace {

GoldenOperation lstm_entry(bool reverse) {
  return [reverse](const Tensors& in) {
    const LstmSteps after = lstm_steps(in[0], in[1], in[2], in[3], reverse);
    return cat({after.h, unsqueeze(after.c, 0)}, 0);
  };
}

GoldenOperation embedding_entry(const EmbeddingOptions& options) {
  return [options](const Tensors& in) { return embedding(in[0], in[1], options); };
}

}  // namespace

std::map<std::string, GoldenOperation> golden_layers() {
  GoldenEntries all = {
      {"lstm_steps", lstm_entry(false)},
      {"lstm_steps#reverse", lstm_entry(true)},
      {"lstm_steps#one step", lstm_entry(false)},
      {"embedding#plain", embedding_entry({})},
      {"embedding#padding", embedding_entry({.padding_idx = 1})},
      {"embedding#negative padding", embedding_entry({.padding_idx = -1})},
      {"embedding#frequencies", embedding_entry({.scale_grad_by_freq = true})},
      {"embedding#padding and frequencies", embedding_entry({.padding_idx = 4, .scale_grad_by_freq = true})},
      {"instance_norm#updated",
       [](const Tensors& in) {
         const Tensor mean = clone(in[1]), variance = clone(in[2]);
         const Tensor y = instance_norm(in[0], mean, variance, {}, {}, true, .3);
         return cat({reshape(y, {-1}), mean, variance}, 0);
       }},
  };
  for (const std::string name : {"instance_norm#1d", "instance_norm#2d", "instance_norm#3d"}) {
    all[name] = [](const Tensors& in) { return instance_norm(in[0]); };
    all[name + " affine"] = [](const Tensors& in) {
      return instance_norm(in[0], {}, {}, in[1], in[2], true, .1, 1e-3);
    };
    all[name + " running"] = [](const Tensors& in) { return instance_norm(in[0], in[1], in[2], in[3], in[4], false); };
  }
  return all;
}

}  // namespace ditharos::tests
