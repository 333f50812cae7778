// Steps 18 to 22: layers, a network that learns, and the parts of a diffusion transformer.
#include <cmath>
#include <cstdio>

#include <ditharos/tensor/io/number_text.h>
#include "examples/tour/show.h"
#include "examples/tour/tour.h"

namespace ditharos::tour {
namespace {

/// Calls a function on every parameter of a module; the function may replace it by another tensor.
template <class F>
class ForEachParameter : public nn::Visitor {
 public:
  explicit ForEachParameter(F f) : f_(f) {}

 private:
  void on_parameter(const std::string&, Tensor& parameter) override { f_(parameter); }
  F f_;
};

/// Attention in public operations; q, k, v [T, D].
Tensor plain_attention(const Tensor& q, const Tensor& k, const Tensor& v) {
  const Tensor scores = matmul(q, transpose(k, 0, 1)) / std::sqrt(double(q.size(1)));  // [T, T]
  return matmul(softmax(scores, -1), v);
}

}  // namespace

void linear_layer() {
  const Tensor x = variable({1, 2, 3, 4, 5, 6}, {3, 2});  // three rows of two
  const Tensor w = variable({1, 0, -1, 2}, {2, 2}), b = variable({1, 1}, {2});
  const Tensor y = linear(x, w, b);                                  // x w^T + b
  const Tensor g = from_vector<double>({1, 0, 0, 1, 1, 1}, {3, 2});  // the gradient that arrives
  backward(y, g);
  std::printf("y  %s\n", text(y).c_str());
  const auto show = [](const char* name, const Tensor& got, const char* formula, const Tensor& expected) {
    std::printf("%s %s, the same as %s: %s\n", name, text(got).c_str(), formula,
                yes_or_no(difference(got, expected) == 0));
  };
  show("dx", x.grad(), "g w", matmul(g, w));
  show("dw", w.grad(), "g^T x", matmul(transpose(g, 0, 1), x));
  show("db", b.grad(), "the sum of g's rows", sum(g, {0}));
}

void small_network() {
  const Tensor x = unsqueeze(linspace(-3, 3, 64, DType::f64), 1), y = sin(x);  // [64, 1]
  const std::vector<Tensor> parameters = {
      random({16, 1}, 1).set_requires_grad(), zeros({16}, DType::f64).set_requires_grad(),
      (random({1, 16}, 2) * .25).set_requires_grad(), zeros({1}, DType::f64).set_requires_grad()};
  for (int step = 0; step <= 1000; ++step) {
    const Tensor hidden = tanh(linear(x, parameters[0], parameters[1]));  // [64, 16]
    const Tensor loss = mse_loss(linear(hidden, parameters[2], parameters[3]), y);
    if (step % 250 == 0) std::printf("step %4d  loss %s\n", step, fixed_text(loss.item(), 3).c_str());
    loss.backward();
    for (const Tensor& p : parameters) {  // gradient descent: p -= 0.1 dp
      const std::vector<double> slope = p.grad().to_vector<double>();
      double* values = p.mutable_data<double>();
      for (size_t i = 0; i < slope.size(); ++i) values[i] -= .1 * slope[i];
      p.set_grad({});
    }
  }
}

void attention_step() {
  const int64_t tokens = 4, width = 6;
  const Tensor qkv = random({1, tokens, 3 * width}, 1).set_requires_grad(), w = random({1, tokens, width}, 2);
  const std::vector<Tensor> parts = chunk(qkv.select(0, 0), 3, -1);  // 3 x [T, D]
  const Tensor plain = unsqueeze(plain_attention(parts[0], parts[1], parts[2]), 0), fused = attention(qkv, 1);
  std::printf("plain: %s\n", names(plain).c_str());
  std::printf("fused: %s\n", names(fused).c_str());
  std::printf("outputs agree:   %s\n", yes_or_no(difference(plain, fused) < 1e-10));
  const Tensor g = grad(sum(fused * w), qkv);
  std::printf("gradients agree: %s\n", yes_or_no(difference(grad(sum(plain * w), qkv), g) < 1e-10));
  const Tensor of_keys = chunk(g.select(0, 0), 3, -1)[1];  // [T, D]
  std::printf("the keys' gradients add up to %s\n", text(sum(of_keys, {0})).c_str());
}

void ada_ln() {
  const Tensor x = variable({1, 2, 6, 4, 4, 1}, {1, 2, 3});  // [B, T, D]
  const Tensor shift = variable({0, 0, 0}, {1, 3}), scale = variable({0, 0, 0}, {1, 3});
  const Tensor gate = variable({0, 0, 0}, {1, 3});
  const Tensor normal = layer_norm_modulate(x, shift, scale);
  const Tensor out = gated_residual(x, gate, normal * 2.0);  // the branch is just a factor here
  sum(out).backward();
  std::printf("normal    %s\n", text(normal).c_str());
  std::printf("out == x: %s\n", yes_or_no(difference(out, x) == 0));
  std::printf("dx        %s\n", text(x.grad()).c_str());
  std::printf("dgate     %s\n", text(gate.grad()).c_str());
  std::printf("dshift    %s\n", text(shift.grad()).c_str());
  std::printf("dscale    %s\n", text(scale.grad()).c_str());
}

void dit_block() {
  models::DiTConfig config;
  config.hidden = 8, config.heads = 2;
  Generator rng(1);
  models::DiTBlock block(config, rng);
  std::vector<Tensor> inputs = {random({2, 3, 8}, 1), random({2, 8}, 2)};  // tokens [B, T, D], condition [B, D]
  // Parameters in f64, and none of them zero: where a gate is zero, half of the block gets no gradient to check.
  ForEachParameter collect([&](const Tensor& p) { inputs.push_back(random(p.shape(), 3 + inputs.size()) * .3); });
  block.visit(collect);
  const auto f = [&](const std::vector<Tensor>& in) {
    size_t next = 2;
    ForEachParameter put([&](Tensor& p) { p = in[next++]; });
    block.visit(put);
    return block(in[0], in[1]);
  };
  int64_t numbers = 0;
  for (const Tensor& x : inputs) x.set_requires_grad(), numbers += x.numel();
  std::printf("%s\n", names(f(inputs)).c_str());
  const GradcheckResult checked = gradcheck(f, inputs, {.order = 2});
  std::printf("%zu tensors, %lld numbers; first and second derivatives right: %s\n", inputs.size(),
              static_cast<long long>(numbers), checked.ok ? "yes" : checked.message.c_str());
}

}  // namespace ditharos::tour
