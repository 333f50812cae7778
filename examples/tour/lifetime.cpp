// Steps 9 to 15: what a graph saves, when it is freed, and higher derivatives.
#include <cstdio>

#include <ditharos/tensor/allocator.h>
#include "examples/tour/show.h"
#include "examples/tour/tour.h"

namespace ditharos::tour {
namespace {

/// The message of the error that `f` throws.
template <class F>
std::string message_of(const F& f) {
  try {
    f();
  } catch (const AutogradError& error) {
    return error.what();
  }
  return "nothing went wrong";
}

/// layer_norm without its fused kernel.
Tensor normalized(const Tensor& x) {
  const Tensor centred = x - mean(x, {-1}, true);
  return centred * rsqrt(mean(square(centred), {-1}, true) + 1e-5);
}

}  // namespace

void saved_tensors() {
  const Tensor x = variable({0, 1}, {2});
  const Tensor y = exp(x);
  std::printf("exp saved its output: %s, its input: %s\n", yes_or_no(node_of(y)->output.present),
              yes_or_no(!node_of(y)->inputs.empty()));
  const Tensor loss = sum(y);
  y.mutable_data<double>()[0] = 7;
  std::printf("%s\n", message_of([&] { loss.backward(); }).c_str());

  const Tensor z = x + x, sum_of_z = sum(z);  // neither saves anything
  z.mutable_data<double>()[0] = 7;
  std::printf("x + x, changed: %s\n", message_of([&] { sum_of_z.backward(); }).c_str());
}

void freed_graphs() {
  const int64_t before = live_nodes();
  {
    const Tensor x = variable(3), y = x * x;
    std::printf("nodes alive: %lld\n", static_cast<long long>(live_nodes() - before));
    y.backward();
    std::printf("again: %s\n", message_of([&] { y.backward(); }).c_str());
    const Tensor z = x * x;
    backward(z, {}, {.retain_graph = true});
    z.backward();
    std::printf("three passes: %s\n", text(x.grad()).c_str());
    Tensor chain = x;
    for (int i = 0; i < 100000; ++i) chain = chain + 1.0;
    std::printf("nodes alive: %lld\n", static_cast<long long>(live_nodes() - before));
  }
  std::printf("nodes alive: %lld\n", static_cast<long long>(live_nodes() - before));
}

void graph_breaks() {
  const Tensor x = variable(3);
  std::printf("x * x:               %s\n", text(grad(x * x, x)).c_str());
  std::printf("x * x.detach():      %s\n", text(grad(x * x.detach(), x)).c_str());
  const NoGrad off;
  std::printf("recorded in NoGrad:  %s\n", yes_or_no((x * x).requires_grad()));
}

void second_order() {
  const Tensor x = variable(2);
  const Tensor y = pow(x, 3);
  const Tensor dy = grad(y, x, {}, {.create_graph = true});
  const Tensor ddy = grad(dy, x, {}, {.create_graph = true});
  const Tensor dddy = grad(ddy, x);
  std::printf("x^3 and its derivatives at 2: %s %s %s %s\n", text(y).c_str(), text(dy).c_str(), text(ddy).c_str(),
              text(dddy).c_str());

  const Tensor p = variable({1, 2}, {2}), v = from_vector<double>({1, 0});
  const Tensor f = sum(square(p)) * sum(p);  // (p0^2 + p1^2) (p0 + p1)
  const Tensor slope = grad(f, p, {}, {.create_graph = true});
  std::printf("Hessian times [1, 0]:         %s\n", text(grad(sum(slope * v), p)).c_str());
}

void fused_and_twin() {
  const Tensor x = random({2, 5}, 1).set_requires_grad(), w = random({2, 5}, 2);
  const Tensor fused = sum(layer_norm(x) * w), twin = sum(normalized(x) * w);
  std::printf("fused:     %s\n", names(fused).c_str());
  std::printf("composite: %s\n", names(twin).c_str());
  const BackwardOptions again{.create_graph = true};
  const Tensor g = grad(fused, x, {}, again), h = grad(twin, x, {}, again);
  std::printf("gradient of the fused one, recorded: %s\n", names(g).c_str());
  std::printf("first order agrees:  %s\n", yes_or_no(difference(g, h) < 1e-10));
  const Tensor gg = grad(sum(square(g)), x), hh = grad(sum(square(h)), x);
  std::printf("second order agrees: %s\n", yes_or_no(difference(gg, hh) < 1e-9));
}

void rematerialization() {
  const Tensor x = zeros({65536}).set_requires_grad(), w = ones({65536}).set_requires_grad();  // f32: 256 KiB each
  const size_t before = allocator_stats().live;
  const auto kib = [](size_t bytes) { return static_cast<int>(bytes / 1024); };

  const Tensor y = gelu_tanh(x) * w;
  const size_t with_recompute = allocator_stats().live - before;
  std::printf("gelu(x) * w:        %d KiB, the product keeps %s\n", kib(with_recompute),
              node_of(y)->inputs[0].recompute ? "how to recompute it" : "the tensor");

  const Tensor z = sin(x) * w;
  const size_t with_tensor = allocator_stats().live - before - with_recompute;
  std::printf("sin(x) * w:         %d KiB, the product keeps %s\n", kib(with_tensor),
              node_of(z)->inputs[0].recompute ? "how to recompute it" : "the tensor");
}

void in_place() {
  const Tensor w = random({3, 2}, 1).set_requires_grad(), x = random({4, 2}, 2);
  const auto loss = [&] { return sum(linear(x, w)); };
  loss().backward();
  const void* memory = w.grad().data<double>();
  loss().backward();
  std::printf("nobody else holds the gradient, same memory: %s\n", yes_or_no(w.grad().data<double>() == memory));
  const Tensor held = w.grad();
  const std::vector<double> values = held.to_vector<double>();
  loss().backward();
  std::printf("somebody holds it, same memory:              %s\n", yes_or_no(w.grad().data<double>() == memory));
  std::printf("what is held stays as it was:                %s\n", yes_or_no(held.to_vector<double>() == values));
}

}  // namespace ditharos::tour
