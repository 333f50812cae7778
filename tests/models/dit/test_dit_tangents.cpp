// Forward mode through a whole transformer: against reverse mode, difference quotients and the count of operations.
#include <doctest/doctest.h>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/forward_mode.h>
#include <ditharos/autograd/functional.h>
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/models/dit/dit.h>
#include <ditharos/tensor/observer.h>
#include <ditharos/tensor/random.h>

using namespace ditharos;

namespace {

using List = std::vector<Tensor>;

/// Random parameters in a dtype: a fresh model's output is zero.
class Redraw : public nn::Visitor {
 public:
  Redraw(Generator& rng, DType dtype) : rng_(rng), dtype_(dtype) {}

 protected:
  void on_parameter(const std::string&, Tensor& p) override {
    p = to(rng_.normal(p.shape()) * .2, dtype_);
    p.set_requires_grad();
  }

 private:
  Generator& rng_;
  DType dtype_;
};

struct MiniDiT {
  Generator rng{1};
  models::DiT model{{.height = 8,
                     .width = 8,
                     .channels = 1,
                     .hidden = 32,
                     .depth = 2,
                     .heads = 2,
                     .classes = 3,
                     .learn_sigma = false},
                    rng};
  Tensor labels = from_vector<int64_t>({0, 3});

  explicit MiniDiT(DType dtype) {
    Redraw redraw(rng, dtype);
    model.visit(redraw);
  }
  List parameters() const {
    List all;
    for (const nn::NamedTensor& p : nn::named_parameters(model)) all.push_back(p.tensor);
    return all;
  }
  Tensor draw(const Shape& shape) { return rng.normal(shape, DType::f64); }
  TensorFunction function() const {
    return [this](const List& in) { return model(in[0], in[1], labels); };
  }
};

Tensor jvp_by_reverse_mode(const TensorFunction& f, const List& inputs, const List& v) {
  List x;
  for (const Tensor& one : inputs) x.push_back(one.detach().set_requires_grad());
  const Tensor y = f(x), w = zeros(y.shape(), y.dtype()).set_requires_grad();
  return grad(grad({y}, x, {w}, {.create_graph = true}), {w}, v)[0];
}

/// Floating-point operations of products and attention.
class FlopCounter : public Observer {
 public:
  void on_flops(double n) override { count += n; }
  double count = 0;
};

template <class F>
double flops(const F& f) {
  FlopCounter counter;
  const ObserverScope scope(counter);
  f();
  return counter.count;
}

}  // namespace

TEST_CASE("DiT: the tangent along images and times is that of reverse mode and of difference quotients") {
  MiniDiT dit(DType::f64);
  const TensorFunction f = dit.function();
  const Tensor x = dit.draw({2, 1, 8, 8}), v = dit.draw({2, 1, 8, 8}), t = from_vector<double>({.3, .8}),
               dt = from_vector<double>({1, -2});
  const Jvp forward = jvp(f, {x, t}, {v, dt});
  const Tensor reverse = jvp_by_reverse_mode(f, {x, t}, {v, dt});
  const double scale = amax(abs(reverse)).item();
  CHECK(scale > .1);
  CHECK(amax(abs(forward.tangent - reverse)).item() < 1e-10 * scale);
  const auto at = [&](double h) { return f({x + v * h, t + dt * h}); };
  const double h = 1e-4;
  const Tensor quotient = ((at(h) - at(-h)) * 8 - (at(2 * h) - at(-2 * h))) / (12 * h);
  CHECK(amax(abs(forward.tangent - quotient)).item() < 1e-8 * scale);
  CHECK(amax(abs(forward.output - f({x, t}))).item() == 0);

  // Recorded, for parameters too: the gradient of the tangent.
  const Tensor weight = dit.parameters()[2];
  const auto slope = [&](bool by_forward) {
    const DualLevel level;
    const Tensor tangent = by_forward ? tangent_of(f({make_dual(x, v), make_dual(t, dt)})) : Tensor{};
    if (by_forward) return grad(sum(square(tangent)), weight);
    const Tensor leaf = x.detach().set_requires_grad(), time = t.detach().set_requires_grad(), y = f({leaf, time});
    const Tensor w = zeros(y.shape(), y.dtype()).set_requires_grad();
    const List rows = grad({y}, {leaf, time}, {w}, {.create_graph = true});
    return grad(sum(square(grad(rows, {w}, {v, dt}, {.create_graph = true})[0])), weight);
  };
  const Tensor want = slope(false);
  CHECK(amax(abs(slope(true) - want)).item() < 1e-9 * amax(abs(want)).item());
}

TEST_CASE("DiT: rematerialised blocks give the same tangents and gradients") {
  MiniDiT dit(DType::f64);
  const TensorFunction f = dit.function();
  const Tensor x = dit.draw({2, 1, 8, 8}), v = dit.draw({2, 1, 8, 8}), t = from_vector<double>({.3, .8}),
               dt = from_vector<double>({1, 1});
  const auto run = [&](bool recompute) {
    dit.model.set_recompute(recompute);
    const DualLevel level({.record_tangents = false, .save_tangents = false});
    const Tensor u = f({make_dual(x, v), make_dual(t, dt)}), tangent = tangent_of(u);
    List found = grad({sum(square(u - tangent))}, dit.parameters());
    found.push_back(tangent);
    return found;
  };
  const List plain = run(false), again = run(true);
  for (size_t i = 0; i < plain.size(); ++i) CHECK(amax(abs(plain[i] - again[i])).item() <= 1e-12);
}

TEST_CASE("DiT: a tangent costs about as much as the value") {
  MiniDiT dit(DType::f32);
  const TensorFunction f = dit.function();
  const Tensor x = to(dit.draw({2, 1, 8, 8}), DType::f32), t = from_vector<float>({.3f, .8f});
  const double value = flops([&] {
    const NoGrad off;
    f({x, t});
  });
  const double both = flops([&] { jvp(f, {x, t}, {x, t}); });
  CHECK(value > 0);
  CHECK(both > 1.9 * value);
  CHECK(both < 2.6 * value);
}
