// Attention, normalisation, GELU, column sums and the optimiser at the sizes of the two models.
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/attention/attention.h>
#include <ditharos/tensor/kernels/gemm/gemm.h>
#include <ditharos/tensor/kernels/gemm/linear.h>
#include <ditharos/tensor/kernels/norm/norm.h>
#include <ditharos/tensor/kernels/optimizer/optimizer.h>
#include <ditharos/tensor/kernels/pointwise/pointwise.h>
#include "tests/bench/bench.h"

namespace ditharos::bench {
namespace {

struct Sizes {
  std::string model;
  int64_t batch, tokens, width, heads;
  double elements() const { return double(batch * tokens * width); }
};

void add_attention(std::vector<Case>& cases, const Sizes& s) {
  const Shape packed{s.batch, s.tokens, 3 * s.width}, plain{s.batch, s.tokens, s.width};
  const double product = 2.0 * s.elements() * double(s.tokens);  // of tokens x tokens by the head size, all heads
  cases.push_back({"attention/" + s.model + "/forward", [=] {
                     return Work{[qkv = random(packed), heads = s.heads] {
                                   Tensor kept;
                                   kernels::attention(qkv, heads, &kept);
                                 },
                                 2 * product, 0};
                   }});
  cases.push_back({"attention/" + s.model + "/backward", [=] {
                     const Tensor qkv = random(packed);
                     Tensor kept;
                     const Tensor out = kernels::attention(qkv, s.heads, &kept);
                     return Work{[=, grad = random(plain), heads = s.heads] {
                                   kernels::attention_backward(grad, qkv, out, kept, heads);
                                 },
                                 5 * product, 0};
                   }});
}

void add_elementwise(std::vector<Case>& cases, const Sizes& s) {
  const Shape plain{s.batch, s.tokens, s.width}, rows{s.batch, s.width}, hidden{s.batch, s.tokens, 4 * s.width};
  const double bytes = s.elements() * sizeof(float);
  cases.push_back({"layer_norm_modulate/" + s.model + "/forward", [=] {
                     return Work{[x = random(plain), shift = random(rows), scale = random(rows)] {
                                   Tensor statistics;
                                   kernels::layer_norm_modulate(x, shift, scale, 1e-6, &statistics);
                                 },
                                 0, 2 * bytes};
                   }});
  cases.push_back(
      {"layer_norm_modulate/" + s.model + "/backward", [=] {
         const Tensor x = random(plain), scale = random(rows);
         Tensor statistics;
         kernels::layer_norm_modulate(x, scale, scale, 1e-6, &statistics);
         return Work{[=, grad = random(plain)] { kernels::layer_norm_modulate_backward(grad, x, scale, statistics); },
                     0, 3 * bytes};
       }});
  cases.push_back({"gated_residual/" + s.model + "/forward", [=] {
                     return Work{[x = random(plain), y = random(plain), gate = random(rows)] {
                                   kernels::gated_residual(x, gate, y);
                                 },
                                 0, 3 * bytes};
                   }});
  cases.push_back({"gated_residual/" + s.model + "/backward", [=] {
                     return Work{[grad = random(plain), y = random(plain), gate = random(rows)] {
                                   kernels::gated_residual_backward(grad, gate, y);
                                 },
                                 0, 3 * bytes};
                   }});
  cases.push_back({"gelu_tanh/" + s.model + "/forward", [=] {
                     return Work{[x = random(hidden)] { kernels::unary(kernels::Unary::gelu_tanh, x); }, 0, 8 * bytes};
                   }});
  cases.push_back({"gelu_tanh/" + s.model + "/backward", [=] {
                     return Work{[x = random(hidden), grad = random(hidden)] {
                                   kernels::binary(kernels::Binary::gelu_tanh_backward, grad, x);
                                 },
                                 0, 12 * bytes};
                   }});
  cases.push_back({"bias_gradient/" + s.model + "/fc1", [=] {
                     return Work{[grad = random(hidden)] { kernels::linear_backward_bias(grad); }, 0, 4 * bytes};
                   }});
}

Case adam(const std::string& model, int64_t parameters) {
  return {"adam/" + model, [=] {
            const Shape shape{parameters};
            const Tensor v = zeros(shape), m = zeros(shape);
            return Work{[=, p = random(shape), grad = random(shape), ema = random(shape)] {
                          kernels::adam(p, grad, m, v, ema,
                                        {.lr = 1e-4,
                                         .beta1 = .9,
                                         .beta2 = .999,
                                         .eps = 1e-8,
                                         .weight_decay = 0,
                                         .decoupled = true,
                                         .grad_scale = 1,
                                         .step = 10,
                                         .ema_decay = .999});
                        },
                        0, 9.0 * double(parameters) * sizeof(float)};
          }};
}

}  // namespace

void add_kernel_cases(std::vector<Case>& cases) {
  const Sizes quickstart{"quickstart", 64, 49, 96, 4}, s2{"S2_batch8", 8, 256, 384, 6};
  const Sizes s2_large{"S2_batch8_1024_tokens", 8, 1024, 384, 6}, s4{"64_tokens", 32, 64, 384, 6};
  const Sizes odd{"250_tokens", 8, 250, 384, 6}, video{"video_512_tokens", 4, 512, 256, 4};
  const Sizes xl2{"XL2_batch2", 2, 256, 1152, 16};  // head size 72
  for (const Sizes& s : {quickstart, s4, s2, s2_large, odd, video, xl2}) add_attention(cases, s);
  for (const Sizes& s : {quickstart, s2}) add_elementwise(cases, s);
  cases.push_back(adam("33M", 33'000'000));
}

}  // namespace ditharos::bench
