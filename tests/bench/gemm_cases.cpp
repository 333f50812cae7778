// The matrix products of the quickstart's model (batch 64, 49 tokens, width 96) and of DiT-S/2 (256 tokens, width 384).
#include <ditharos/autograd/autocast.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/gemm/gemm.h>
#include <ditharos/tensor/kernels/gemm/linear.h>
#include "tests/bench/bench.h"

namespace ditharos::bench {
namespace {

/// Random numbers in the precision of the run.
Tensor operand(const Shape& shape) { return kernels::to(random(shape), autocast_dtype()); }

/// Forward and both gradients of a linear layer.
void add_linear(std::vector<Case>& cases, const std::string& model, const std::string& layer, int64_t rows, int64_t in,
                int64_t out) {
  const double flops = 2.0 * double(rows) * double(in) * double(out);
  cases.push_back({"linear/" + model + "/" + layer + "/forward", [=] {
                     return Work{[x = operand({rows, in}), w = operand({out, in}), bias = random({out})] {
                                   kernels::linear(x, w, bias);
                                 },
                                 flops, 0};
                   }});
  cases.push_back({"linear/" + model + "/" + layer + "/input_gradient", [=] {
                     return Work{
                         [dy = operand({rows, out}), w = operand({out, in})] { kernels::linear_backward_input(dy, w); },
                         flops, 0};
                   }});
  cases.push_back(
      {"linear/" + model + "/" + layer + "/weight_gradient", [=] {
         return Work{[dy = operand({rows, out}), x = operand({rows, in})] { kernels::linear_backward_weight(dy, x); },
                     flops, 0};
       }});
}

void add_layers(std::vector<Case>& cases, const std::string& model, int64_t batch, int64_t tokens, int64_t width) {
  const int64_t rows = batch * tokens;
  add_linear(cases, model, "qkv", rows, width, 3 * width);
  add_linear(cases, model, "proj", rows, width, width);
  add_linear(cases, model, "fc1", rows, width, 4 * width);
  add_linear(cases, model, "fc2", rows, 4 * width, width);
  add_linear(cases, model, "adaLN", batch, width, 6 * width);
}

Case native_square(int64_t n) {
  return {"gemm_native/" + std::to_string(n), [n] {
            return Work{[n, a = random({n, n}), b = random({n, n}), c = random({n, n})] {
                          kernels::Gemm<float> g;
                          g.m = g.n = g.k = g.lda = g.ldb = g.ldc = n;
                          g.a = a.data<float>(), g.b = b.data<float>(), g.c = c.mutable_data<float>();
                          kernels::gemm_native(g);
                        },
                        2.0 * double(n) * double(n) * double(n), 0};
          }};
}

}  // namespace

void add_gemm_cases(std::vector<Case>& cases) {
  add_layers(cases, "quickstart", 64, 49, 96);
  add_layers(cases, "S2_batch8", 8, 256, 384);
  add_layers(cases, "S2_batch32", 32, 256, 384);
  cases.push_back(native_square(384));
  cases.push_back(native_square(1024));
}

}  // namespace ditharos::bench
