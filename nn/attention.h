#pragma once
#include <ditharos/nn/linear.h>

namespace ditharos::nn {

/// Multi-head self-attention; x [B, T, D] -> [B, T, D]. One projection to q, k, v; one back.
class Attention : public Module<Attention> {
 public:
  Attention() = default;
  Attention(int64_t width, int64_t heads, Generator& rng)
      : heads_(heads), qkv_(width, 3 * width, rng), proj_(width, width, rng) {
    check<ConfigError>(heads >= 1 && width % heads == 0, "the width ", width, " is not divisible by ", heads, " heads");
  }

  Tensor forward(const Tensor& x) const {
    return proj_(attention(qkv_(x), heads_));
  }
  void visit(Visitor& v) override {
    v("qkv", qkv_);
    v("proj", proj_);
  }

 private:
  int64_t heads_ = 1;
  Linear qkv_, proj_;
};

}  // namespace ditharos::nn
