// The engine: accumulation, freeing, versions, gradients of anything, hooks, modes.
#include <doctest/doctest.h>

#include <thread>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/pointwise/pointwise.h>
#include "tests/support/tensor_cases.h"

namespace ditharos::test_autograd {

using ditharos::tests::message_of;

namespace {

using Values = std::vector<double>;

Tensor leaf(const Values& values) { return from_vector(values).set_requires_grad(); }
Values values_of(const Tensor& x) { return x.to_vector<double>(); }

/// x^3 with a rule that writes down when it runs.
Tensor counted_cube(const Tensor& x, int& runs) {
  return record("test.counted_cube", pow(x.detach(), 3), {x}, save_inputs, each([&runs](const Backward& d) {
                  ++runs;
                  return d.grad() * square(d.input(0)) * 3.0;
                }));
}

}  // namespace

TEST_CASE("autograd: gradients add up over uses and over backward passes") {
  const Tensor x = leaf({1, 2, 3});
  const Tensor y = sum(x * x + x);
  backward(y, {}, {.retain_graph = true});
  CHECK(values_of(x.grad()) == Values{3, 5, 7});
  y.backward();
  CHECK(values_of(x.grad()) == Values{6, 10, 14});
  x.set_grad({});
  CHECK_FALSE(x.grad().defined());
  CHECK(live_nodes() == 4);  // y still knows where it came from; what was saved on the way is gone
}

TEST_CASE("autograd: each leaf's gradient is memory of its own") {
  for (const bool create_graph : {false, true}) {
    CAPTURE(create_graph);
    const Tensor a = leaf({1, 2}), b = leaf({3, 4}), c = leaf({5, 6}), d = leaf({7, 8});
    const Tensor seed = from_vector(Values{10, 20});
    // a and b get the same tensor, c an expanded one, d what the caller passed in.
    backward(a + b + sum(c) + d, seed, {.create_graph = create_graph});
    const Tensor* leaves[] = {&a, &b, &c, &d};
    for (const Tensor* one : leaves) {
      CHECK(one->grad().is_contiguous());
      CHECK(one->grad().storage() != seed.storage());
      for (const Tensor* other : leaves) CHECK((one == other || one->grad().storage() != other->grad().storage()));
    }
    kernels::scale_in_place(a.grad(), 0);  // as an optimiser or clipping does
    CHECK(values_of(a.grad()) == Values{0, 0});
    CHECK(values_of(b.grad()) == Values{10, 20});
    CHECK(values_of(c.grad()) == Values{30, 30});
    CHECK(values_of(d.grad()) == Values{10, 20});
    CHECK(values_of(seed) == Values{10, 20});
    for (const Tensor* one : leaves) one->set_grad({});
  }
  CHECK(live_nodes() == 0);
}

TEST_CASE("autograd: accumulating in place never changes a gradient that has other handles") {
  const Tensor x = leaf({1, 2});
  const Tensor y = x * 2.0;
  Tensor seen;
  register_hook(y, [&](const Tensor& g) { return seen = g; });
  const auto found = grad({sum(y * 3.0) + sum(y * 4.0) + sum(x)}, {y, x});
  CHECK(values_of(found[0]) == Values{7, 7});
  CHECK(values_of(found[1]) == Values{15, 15});
  CHECK(values_of(seen) == Values{7, 7});
  // A second pass adds to what the first one left in grad(), and to nothing else.
  sum(x * 1.0).backward();
  const Tensor kept = x.grad();
  sum(x * 1.0).backward();
  CHECK(values_of(kept) == Values{1, 1});
  CHECK(values_of(x.grad()) == Values{2, 2});
}

TEST_CASE("autograd: the order of accumulation is fixed") {
  // Sums of very different sizes: another order gives other bits.
  const auto run = [] {
    const Tensor x = from_vector(std::vector<float>{1.1f}).set_requires_grad();
    Tensor total = x * 1e8;
    for (int i = 0; i < 20; ++i) total = total + x * (i % 2 ? -1e8 : .37 * i);
    sum(total).backward();
    return x.grad();
  };
  const Tensor first = run();
  for (int i = 0; i < 5; ++i) CHECK(tests::same_bits(run(), first));
}

TEST_CASE("autograd: a graph is freed by backward unless it is retained") {
  const Tensor x = leaf({2});
  const Tensor y = exp(x);
  y.backward();
  CHECK(message_of<AutogradError>([&] { y.backward(); }) ==
        "[exp] backward ran a second time through a graph that the first freed; pass retain_graph = true to the first");
  const Tensor z = exp(x);
  backward(z, {}, {.retain_graph = true});
  backward(z, {}, {.create_graph = true});
  z.backward();
  CHECK(message_of<AutogradError>([&] { z.backward(); }) != "");
  x.set_grad({});  // its graph leads back to x: a circle until then
}

TEST_CASE("autograd: what was saved must not change before backward") {
  Tensor x = leaf({1, 2});
  const Tensor y = x * 1.0, view = slice(y, 0, 0, 1);
  const Tensor z = sum(square(y));
  kernels::fill(view.detach(), 5);  // through a view of a view
  CHECK(message_of<AutogradError>([&] { z.backward(); }) ==
        "[square] the saved input 0 of shape [2] was modified in place after the forward pass (version 2, saved at 1)");
  const Tensor e = exp(x);
  kernels::fill(e.detach(), 0);
  CHECK(message_of<AutogradError>([&] { sum(e).backward(); }) ==
        "[exp] the saved output of shape [2] was modified in place after the forward pass (version 2, saved at 1)");
  // Labels, indices and conditions are saved as well.
  const Tensor rows = from_vector<int64_t>({0, 1, 1}), labels = from_vector<int64_t>({0, 1});
  const Tensor picked = sum(index_select(x, rows));
  kernels::fill(rows, 0);
  CHECK(message_of<AutogradError>([&] { picked.backward(); }) ==
        "[index_select] the saved input 1 of shape [3] was modified in place after the forward pass (version 2, saved "
        "at 1)");
  const Tensor loss = cross_entropy(reshape(x, {2, 1}) * ones({1, 2}, DType::f64), labels);
  kernels::fill(labels, 0);
  CHECK(message_of<AutogradError>([&] { loss.backward(); }).substr(0, 47) ==
        "[cross_entropy] the saved input 1 of shape [2] ");
  // What nobody saved may change.
  const Tensor s = sum(y + 1.0);
  kernels::fill(y.detach(), 0);
  s.backward();
  CHECK(values_of(x.grad()) == Values{1, 1});
}

TEST_CASE("autograd: grad() of leaves, intermediate results and tensors outside of the graph") {
  const Tensor x = leaf({1, 2}), other = leaf({1});
  const Tensor y = x * x, z = sum(y * 3.0);
  const auto found = grad({z}, {y, x, other, y}, {}, {.retain_graph = true});
  CHECK(values_of(found[0]) == Values{3, 3});
  CHECK(values_of(found[1]) == Values{6, 12});
  CHECK(values_of(found[2]) == Values{0});  // z does not depend on it
  CHECK(values_of(found[3]) == Values{3, 3});
  CHECK_FALSE(x.grad().defined());
  // Several outputs, with weights.
  const auto both = grad({y, z}, {x}, {from_vector(Values{1, 10}), scalar(2, DType::f64)}, {.retain_graph = true});
  CHECK(values_of(both[0]) == Values{2 + 12, 40 + 24});
  CHECK(values_of(grad(z, z)) == Values{1});
}

TEST_CASE("autograd: rules that lead to no wanted input do not run") {
  int runs = 0;
  const Tensor x = leaf({1}), w = leaf({2}), v = leaf({3});
  const Tensor y = counted_cube(w, runs) * x * v;
  CHECK(values_of(grad(y, x, {}, {.retain_graph = true})) == Values{24});
  CHECK(runs == 0);
  // v has changed since, but only its own gradient needs what it was multiplied with, and only x's needs v.
  kernels::fill(x.detach(), 9);
  CHECK(values_of(grad(y, x, {}, {.retain_graph = true})) == Values{24});
  CHECK(message_of<AutogradError>([&] { grad(y, w, {}, {.retain_graph = true}); }) ==
        "[mul] the saved input 1 of shape [1] was modified in place after the forward pass (version 2, saved at 1)");
}

TEST_CASE("autograd: hooks see and replace gradients, of leaves at every pass") {
  const Tensor x = leaf({1, 2});
  int calls = 0;
  register_hook(x, [&](const Tensor& g) {
    ++calls;
    return g * 10.0;
  });
  const Tensor y = x * 2.0;
  register_hook(y, [](const Tensor& g) { return g + 1.0; });
  register_hook(y, [](const Tensor&) { return Tensor{}; });  // only looks
  sum(y + y).backward();
  CHECK(values_of(x.grad()) == Values{60, 60});  // (2 + 1) * 2 * 10
  CHECK(calls == 1);                             // once, with the whole gradient
  x.set_grad({});
  CHECK(values_of(grad(sum(x * 3.0), x)) == Values{30, 30});
  CHECK(calls == 2);
  register_hook(x, [](const Tensor& g) { return sum(g); });
  CHECK(message_of<ShapeError>([&] { sum(x * 2.0).backward(); }) ==
        "[leaf] a hook returned a gradient of shape [] for a tensor of shape [2]");
}

TEST_CASE("autograd: nothing is recorded under NoGrad, in its thread alone") {
  const Tensor x = leaf({1, 2});
  {
    NoGrad guard;
    CHECK_FALSE((x * 2.0).requires_grad());
    {
      GradMode inner(true);
      CHECK((x * 2.0).requires_grad());
    }
    CHECK_FALSE((x * 2.0).requires_grad());
    bool elsewhere = false;
    std::thread([&] { elsewhere = (x * 2.0).requires_grad(); }).join();
    CHECK(elsewhere);
  }
  CHECK((x * 2.0).requires_grad());
  const Tensor cut = (x * 2.0).detach();
  CHECK_FALSE(cut.requires_grad());
  CHECK(cut.storage() != x.storage());
  CHECK(x.detach().storage() == x.storage());
  CHECK(values_of(grad(sum(cut * x), x)) == Values{2, 4});
  CHECK_FALSE(to(x, DType::i64).requires_grad());
  CHECK_FALSE(argmax(x, 0).requires_grad());
}

TEST_CASE("autograd: an exception in a rule leaves nothing behind") {
  const int64_t before = live_nodes();
  {
    const Tensor x = leaf({1});
    const Tensor y = record("test.thrower", exp(x.detach()), {x}, save_nothing,
                            [](const Backward&) -> Grads { fail<Error>("from the rule"); });
    CHECK(message_of<Error>([&] { (y * 2.0).backward(); }) == "from the rule");
    CHECK(grad_enabled());
    x.set_grad(x.detach());
    CHECK(values_of(x.grad()) == Values{1});
  }
  CHECK(live_nodes() == before);
}

TEST_CASE("autograd: all of 40 inputs are saved") {
  std::vector<Tensor> parts;
  for (int i = 0; i < 40; ++i) parts.push_back(leaf({double(i)}));
  const Tensor joined = record("test.many", cat(parts, 0).detach(), parts, save_inputs, [](const Backward& d) {
    Grads grads;
    for (size_t i = 0; i < d.input_count(); ++i)
      grads.push_back(d.input(i) * sum(slice(d.grad(), 0, int64_t(i), int64_t(i) + 1)));
    return grads;
  });
  sum(joined).backward();
  CHECK(values_of(parts[0].grad()) == Values{0});
  CHECK(values_of(parts[39].grad()) == Values{39});
}

TEST_CASE("autograd: inputs saved one by one, however many there are") {
  for (const size_t count : {40, 64, 65, 130})
    for (const size_t kept : {size_t(0), size_t(31), size_t(35), count - 1}) {
      CAPTURE(count);
      CAPTURE(kept);
      std::vector<Tensor> parts;
      for (size_t i = 0; i < count; ++i) parts.push_back(leaf({double(i) + 1}));
      // Input `kept` times the sum of all, whose other factor is not needed.
      const auto rule = [&](const Backward& d) {
        Grads grads(d.input_count());
        for (Tensor& g : grads) g = d.grad() * d.input(kept);
        return grads;
      };
      const Tensor y = record("test.many", zeros({1}, DType::f64), parts, save_input(kept) | save_output, rule);
      const auto node = node_of(y);
      for (size_t i = 0; i < count; ++i) CHECK(node->inputs[i].present == (i == kept));
      CHECK(node->output.present);
      y.backward();
      CHECK(values_of(parts[0].grad()) == Values{double(kept) + 1});

      const Tensor other = record("test.many", zeros({1}, DType::f64), parts, save_input(kept ? 0 : 1), rule);
      CHECK(message_of<AutogradError>([&] { other.backward(); }) ==
            "[test.many] the rule asks for the input " + std::to_string(kept) + ", which the operation did not save");
    }
}

TEST_CASE("autograd: combinations of what is saved") {
  CHECK_FALSE(save_nothing.any_input());
  CHECK_FALSE((save_nothing | save_output).any_input());
  CHECK((save_nothing | save_output).output());
  CHECK_FALSE(save_inputs.output());
  const Save two = save_input(70) | save_input(3), all = two | save_inputs;
  for (const size_t i : {0, 3, 63, 64, 70, 1000}) {
    CHECK(two.input(i) == (i == 3 || i == 70));
    CHECK(all.input(i));
  }
}

}  // namespace ditharos::test_autograd
