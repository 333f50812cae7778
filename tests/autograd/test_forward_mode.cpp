// Forward mode: dual tensors, levels, and what the rest of autograd does with them.
#include <doctest/doctest.h>

#include <thread>

#include <ditharos/autograd/checkpoint.h>
#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/forward_mode.h>
#include <ditharos/autograd/function.h>
#include <ditharos/autograd/functional.h>
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/inspect/anomaly.h>
#include <ditharos/autograd/inspect/profiler.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/nn/inference.h>
#include <ditharos/nn/mlp.h>
#include <ditharos/tensor/random.h>
#include "tests/support/message_of.h"

namespace ditharos::test_forward_mode {

using ditharos::tests::message_of;

namespace {

using List = std::vector<Tensor>;
using Values = std::vector<double>;

Tensor vector_of(const Values& values) { return from_vector(values); }
Values values_of(const Tensor& x) { return x.to_vector<double>(); }
Tensor random(const Shape& shape, uint64_t seed) { return Generator(seed).normal(shape, DType::f64); }

void close(const Tensor& got, const Tensor& want, double tolerance = 1e-12) {
  REQUIRE(got.defined());
  REQUIRE(got.shape() == want.shape());
  CHECK(amax(abs(got - want)).item() < tolerance);
}

/// J v by reverse mode: the gradient of <J^T w, v> with respect to w.
Tensor jvp_by_reverse_mode(const TensorFunction& f, const List& inputs, const List& v) {
  List x;
  for (const Tensor& one : inputs) x.push_back(one.detach().set_requires_grad());
  const Tensor y = f(x), w = zeros(y.shape(), y.dtype()).set_requires_grad();
  return grad(grad({y}, x, {w}, {.create_graph = true}), {w}, v)[0];
}

/// Two layers with a normalisation, of x [B, D] and weights [D, D].
Tensor block(const Tensor& x, const Tensor& w) { return x + linear(gelu_tanh(layer_norm(linear(x, w))), w); }

}  // namespace

TEST_CASE("forward mode: dual tensors") {
  const Tensor x = vector_of({1, 2, 3}), v = vector_of({1, 0, -1});
  Tensor result;
  {
    const DualLevel level;
    CHECK_FALSE(tangent_of(x).defined());
    const Tensor dual = make_dual(x, v);
    CHECK(values_of(tangent_of(dual)) == Values{1, 0, -1});
    CHECK_FALSE(tangent_of(x).defined());
    const Tensor y = square(dual) * x + vector_of({1});
    CHECK(values_of(y) == Values{2, 9, 28});
    CHECK(values_of(tangent_of(y)) == Values{2, 0, -18});
    CHECK(values_of(tangent_of(reshape(dual, {3}))) == Values{1, 0, -1});
    // Constants: what reverse mode treats as one.
    CHECK_FALSE(tangent_of(y.detach()).defined());
    CHECK_FALSE(tangent_of(to(y, DType::i64)).defined());
    {
      const NoGrad constants;
      CHECK_FALSE(tangent_of(square(dual)).defined());
    }
    CHECK(values_of(tangent_of(dual * dual.detach())) == Values{1, 0, -3});
    // An operation that broadcasts.
    CHECK(values_of(tangent_of(make_dual(vector_of({2}), vector_of({1})) * x)) == Values{1, 2, 3});
    result = tangent_of(y);
    std::thread([&] { CHECK_FALSE(tangent_of(dual).defined()); }).join();
  }
  CHECK(values_of(result) == Values{2, 0, -18});
}

TEST_CASE("forward mode: levels end, and do not nest") {
  const Tensor x = vector_of({2}), v = vector_of({1});
  Tensor kept;
  {
    const DualLevel level;
    kept = make_dual(x, v);
    CHECK(message_of<AutogradError>([] { const DualLevel inner; }) ==
          "[DualLevel] this thread runs a forward-mode computation already, and they do not nest; for second "
          "derivatives use reverse mode for one of them: jvp or vjp with create_graph = true");
    CHECK_THROWS_AS(jvp([](const List& in) { return in[0]; }, {x}, {v}), AutogradError);
    CHECK(message_of<AutogradError>([&] { make_dual(kept, v); }) ==
          "[make_dual] the tensor of shape [1] has a tangent already");
    CHECK(message_of<ShapeError>([&] { make_dual(x, vector_of({1, 2})); }) ==
          "[make_dual] the tangent has shape [2], the tensor [1]");
    CHECK(message_of<DTypeError>([&] { make_dual(x, zeros({1})); }) ==
          "[make_dual] the tangent is f32, the tensor f64");
    CHECK(message_of<DTypeError>([] { make_dual(ones({1}, DType::i64), ones({1}, DType::i64)); }) ==
          "[make_dual] only f32 and f64 tensors have tangents, got i64");
  }
  CHECK(message_of<AutogradError>([&] { make_dual(x, v); }) ==
        "[make_dual] there is no forward-mode computation: open a DualLevel");
  {
    const DualLevel later;
    CHECK_FALSE(tangent_of(kept).defined());
    CHECK_FALSE(tangent_of(square(kept)).defined());
    CHECK(values_of(tangent_of(make_dual(kept, v))) == Values{1});
  }
  CHECK(live_nodes() == 0);
}

TEST_CASE("forward mode: under NoGrad nothing is recorded, and parameters are constants") {
  const Tensor w = random({4, 4}, 1).set_requires_grad(), x = random({3, 4}, 2), v = random({3, 4}, 3);
  const Tensor want = jvp_by_reverse_mode([&](const List& in) { return block(in[0], w); }, {x}, {v});
  const Tensor along_w = jvp_by_reverse_mode([&](const List& in) { return block(x, in[0]); }, {w}, {w});
  CHECK(live_nodes() == 0);
  const NoGrad off;
  const DualLevel level;
  const Tensor y = block(make_dual(x, v), w);
  CHECK_FALSE(y.requires_grad());
  CHECK(live_nodes() == 0);
  close(tangent_of(y), want);
  close(tangent_of(block(x, make_dual(w, w))), along_w, 1e-11);
}

TEST_CASE("forward mode: constant tangents beside a recorded value") {
  // As in MeanFlow: the loss is differentiated, the tangent in it is a constant.
  const Tensor w = random({4, 4}, 1).set_requires_grad(), x = random({3, 4}, 2), v = random({3, 4}, 3);
  const Tensor plain = grad(sum(square(block(x, w))), w);
  for (const DualOptions& options : {DualOptions{false, true}, DualOptions{false, false}}) {
    Tensor loss, tangent;
    {
      const DualLevel level(options);
      const Tensor y = block(make_dual(x, v), w);
      tangent = tangent_of(y);
      loss = sum(square(y));
    }
    CHECK_FALSE(tangent.requires_grad());
    close(tangent, jvp_by_reverse_mode([&](const List& in) { return block(in[0], w); }, {x}, {v}));
    close(grad(loss, w), plain);
  }
  // Recorded, it has a gradient.
  const DualLevel level;
  const Tensor tangent = tangent_of(block(make_dual(x, v), w));
  CHECK(amax(abs(grad(sum(tangent), w))).item() > 0);
}

TEST_CASE("forward mode: second derivatives with reverse mode") {
  const Tensor x = random({3, 4}, 2), v = random({3, 4}, 3), w = random({4, 4}, 1);
  const TensorFunction loss = [&](const List& in) { return sum(square(block(in[0], w))); };
  const Tensor want = hvp(loss, {x}, {v}).grads[0];
  close(jvp([&](const List& in) { return vjp(loss, in, {}, true).grads[0]; }, {x}, {v}).tangent, want, 1e-10);
  close(vjp([&](const List& in) { return jvp(loss, in, {v}, true).tangent; }, {x}).grads[0], want, 1e-10);
  // A gradient by grad() inside of the function.
  const auto gradient = [&](const List& in) { return grad({loss(in)}, in, {}, {.create_graph = true})[0]; };
  close(jvp(gradient, {x}, {v}).tangent, want, 1e-10);
  // Without create_graph the inner gradient is a constant, as in reverse mode.
  CHECK_THROWS_AS(jvp([&](const List& in) { return vjp(loss, in).grads[0]; }, {x}, {v}), AutogradError);
  CHECK(live_nodes() == 0);
}

TEST_CASE("forward mode: rematerialised blocks") {
  const Tensor w = random({4, 4}, 1).set_requires_grad(), x = random({3, 4}, 2), v = random({3, 4}, 3);
  Generator rng(4);
  const auto noisy = [&](const List& in, Generator& g) { return dropout(block(in[0], w), .5, g); };
  const auto plain = [&](const List& in) {
    Generator g = rng;
    return noisy(in, g);
  };
  const auto replayed = [&](const List& in) {
    Generator g = rng;
    return checkpoint(noisy, in, {w}, g);
  };
  const Tensor want = jvp(plain, {x}, {v}).tangent;
  close(want, jvp_by_reverse_mode(plain, {x}, {v}));
  close(jvp(replayed, {x}, {v}).tangent, want, 1e-15);
  close(jvp_by_reverse_mode(replayed, {x}, {v}), want);
  // Its gradients: of the value beside a constant tangent, of a recorded tangent, and tangents of gradients.
  const auto value_beside_tangent = [&] {
    const DualLevel level({.record_tangents = false, .save_tangents = false});
    return sum(square(replayed({make_dual(x, v)})));
  };
  close(grad(value_beside_tangent(), w), grad(sum(square(plain({x}))), w));
  const auto of_tangent = [&](const TensorFunction& f) {
    const DualLevel level;
    return grad(sum(square(tangent_of(f({make_dual(x, v)})))), w);
  };
  close(of_tangent(replayed), of_tangent(plain));
  const auto tangent_of_gradient = [&](const TensorFunction& f) {
    return jvp([&](const List& in) { return grad({sum(square(f(in)))}, in, {}, {.create_graph = true})[0]; }, {x}, {v})
        .tangent;
  };
  close(tangent_of_gradient(replayed), tangent_of_gradient(plain));
  CHECK(live_nodes() == 0);
}

TEST_CASE("forward mode: custom operations") {
  using Tensors = Function::Tensors;
  const auto forward = [](const Tensors& in) { return square(in[0]) * in[1]; };
  const auto backward = [](const Tensors& in, const Tensor&, const Tensor& grad) -> Tensors {
    return {grad * in[0] * in[1] * 2.0, grad * square(in[0])};
  };
  int calls = 0;
  const Function by_backward{"test.scaled_square", forward, backward};
  const Function by_tangent{"test.scaled_square_with_tangent", forward, backward,
                            [&](const Tensors& in, const Tensor&, const Tensors& t) {
                              ++calls;
                              const Tensor a = t[0].defined() ? t[0] * in[0] * in[1] * 2.0 : Tensor{};
                              const Tensor b = t[1].defined() ? t[1] * square(in[0]) : Tensor{};
                              return !a.defined() ? b : b.defined() ? a + b : a;
                            }};
  const Tensor x = random({3, 4}, 1), s = random({4}, 2), dx = random({3, 4}, 3), ds = random({4}, 4);
  const auto plain = [&](const List& in) { return forward(in); };
  for (const Function& op : {by_backward, by_tangent}) {
    const auto f = [&](const List& in) { return op(in); };
    close(jvp(f, {x, s}, {dx, ds}).tangent, jvp(plain, {x, s}, {dx, ds}).tangent);
    close(jvp([&](const List& in) { return op({in[0], s}); }, {x}, {dx}).tangent,
          jvp([&](const List& in) { return forward({in[0], s}); }, {x}, {dx}).tangent);
    const auto slope = [&](const TensorFunction& g) {
      return vjp([&](const List& in) { return sum(square(jvp(g, in, {dx, ds}, true).tangent)); }, {x, s}).grads[0];
    };
    close(slope(f), slope(plain));
    NoGrad off;
    const DualLevel level;
    close(tangent_of(op({make_dual(x, dx), make_dual(s, ds)})), x * dx * s * 2.0 + square(x) * ds);
  }
  CHECK(calls > 0);
  const Function opaque{"test.opaque", forward, [](const Tensors& in, const Tensor&, const Tensor& grad) -> Tensors {
                          return {grad.detach() * in[0], grad.detach()};
                        }};
  const auto of_opaque = [&] { jvp([&](const List& in) { return opaque(in); }, {x, s}, {dx, ds}); };
  CHECK(message_of<AutogradError>(of_opaque) ==
        "[test.opaque] has no tangent function, and its backward function is not made of the library's operations on "
        "`grad`, so it cannot be differentiated instead");
}

TEST_CASE("forward mode: hooks, packed and quantised layers") {
  Generator rng(1);
  nn::Mlp mlp(8, 16, rng);
  const Tensor x = rng.normal({3, 8}), v = rng.normal({3, 8});
  const TensorFunction f = [&](const List& in) { return mlp(in[0]); };
  const Tensor want = jvp(f, {x}, {v}).tangent;
  {
    const nn::InferenceMode inference;
    const Tensor packed = mlp(x);
    const DualLevel level;
    const Tensor y = mlp(make_dual(x, v));
    close(y, packed, 1e-5);
    close(tangent_of(y), want, 1e-5);
  }
  const Tensor leaf = vector_of({1, 2}).set_requires_grad();
  int called = 0;
  register_hook(leaf, [&](const Tensor&) {
    ++called;
    return Tensor{};
  });
  {
    const DualLevel level;
    const Tensor y = square(make_dual(leaf, vector_of({1, 1})));
    CHECK(values_of(tangent_of(y)) == Values{2, 4});
    CHECK(called == 0);
    sum(y).backward();
    CHECK(called == 1);
  }
  leaf.set_grad({});
  nn::quantize(mlp);
  const NoGrad off;
  const DualLevel level;
  CHECK(message_of<AutogradError>([&] { static_cast<void>(mlp(make_dual(x, v))); }) ==
        "[linear] this layer is quantised to int8, and rounding has no derivative: call nn::dequantize(model) before "
        "forward mode");
}

TEST_CASE("forward mode: the profiler and anomaly mode observe tangent rules") {
  const Tensor x = vector_of({0, 4}), v = vector_of({0, 1});
  {
    Profiler profiler;
    jvp([](const List& in) { return exp(in[0]); }, {x}, {v});
    profiler.stop();
    int tangents = 0;
    for (const ProfileEvent& e : profiler.events())
      tangents += e.name == std::string("exp") && e.kind == WorkKind::tangent;
    CHECK(tangents == 1);
  }
  const struct Detect {
    Detect() { set_detect_nan(true); }
    ~Detect() { set_detect_nan(false); }
  } detect;
  // The derivative of sqrt at 0 is infinite: times the tangent 0 it is NaN.
  CHECK(message_of<AutogradError>([&] { jvp([](const List& in) { return sqrt(in[0]); }, {x}, {v}); }) ==
        "[sqrt] the tangent of the result, of shape [2], has a NaN, which the tangents of the inputs had not");
}

}  // namespace ditharos::test_forward_mode
