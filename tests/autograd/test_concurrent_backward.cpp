// Backward passes on several threads over shared parameters, and inference with one model on several threads. The
// preset tsan runs these tests under ThreadSanitizer: most races show there alone.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include <ditharos/autograd/checkpoint.h>
#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/nn/inference.h>
#include <ditharos/nn/mlp.h>
#include "tests/support/tensor_cases.h"

using namespace ditharos;

namespace {

/// Runs f(thread) on `count` threads that begin together.
template <class F>
void on_threads(int count, const F& f) {
  std::atomic<int> waiting{count};
  std::vector<std::thread> threads;
  for (int t = 0; t < count; ++t)
    threads.emplace_back([&, t] {
      --waiting;
      while (waiting > 0) std::this_thread::yield();
      f(t);
    });
  for (std::thread& thread : threads) thread.join();
}

/// All elements of `x`, which are equal.
double common_value(const Tensor& x) {
  CHECK(amin(x).item() == amax(x).item());
  return amax(x).item();
}

}  // namespace

TEST_CASE("regression 13: a rule that adds to a leaf's gradient in place loses nothing to a pass on another thread") {
  const Tensor w = zeros({4}).set_requires_grad();
  sum(w * 1.0).backward();  // so that there is a gradient to add to
  std::atomic<bool> inside{false}, other_done{false};
  // An operation whose rule adds 10 to what waits at the leaf, and lets the other thread try in between.
  const auto slow = [&](const Tensor& x) {
    return record("test.slow", zeros({}), {x}, save_nothing, [&](const Backward& d) -> Grads {
      const Tensor so_far = d.pending(0);
      CHECK(so_far.defined());
      inside = true;
      const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(100);
      while (!other_done && std::chrono::steady_clock::now() < end) std::this_thread::yield();
      if (!so_far.defined()) return {full({4}, 10)};
      for (int i = 0; i < 4; ++i) so_far.mutable_data<float>()[i] += 10;
      return Grads(1);  // nothing more to add
    });
  };
  std::thread other([&] {
    while (!inside) std::this_thread::yield();
    sum(w * 100.0).backward();
    other_done = true;
  });
  slow(w).backward();
  other.join();
  CHECK(common_value(w.grad()) == 111);
}

TEST_CASE("regression 13: a rule adds outside of the gradient while another thread holds it") {
  const Tensor w = zeros({4}).set_requires_grad();
  sum(w * 1.0).backward();
  std::atomic<int> inside{0};
  std::atomic<int> in_place{0};
  const auto adds_one = [&](const Tensor& x) {
    return record("test.adds", zeros({}), {x}, save_nothing, [&](const Backward& d) -> Grads {
      const Tensor so_far = d.pending(0);
      ++inside;
      while (inside < 2) std::this_thread::yield();  // both rules have asked
      if (!so_far.defined()) return {ones({4})};
      ++in_place;
      for (int i = 0; i < 4; ++i) so_far.mutable_data<float>()[i] += 1;
      return Grads(1);  // nothing more to add
    });
  };
  on_threads(2, [&](int) { adds_one(w).backward(); });
  CHECK(in_place == 1);
  CHECK(common_value(w.grad()) == 3);
}

TEST_CASE("regression 13: four threads train on shared weights, and every contribution counts") {
  // Whole numbers, so that the order of the additions does not matter.
  const Tensor weight = ones({8, 8}).set_requires_grad(), bias = ones({8}).set_requires_grad();
  const int threads = 4, passes = 60;
  on_threads(threads, [&](int thread) {
    for (int i = 0; i < passes; ++i) {
      const Tensor h = linear(ones({3, 8}), weight, bias);
      const auto block = [&](const std::vector<Tensor>& in) { return linear(in[0], weight, bias); };
      // Some of the passes compute a part again inside of a rule.
      sum(thread % 2 ? checkpoint(block, {ones({3, 8})}, {weight, bias}) : h).backward();
    }
  });
  CHECK(common_value(weight.grad()) == 3 * threads * passes);
  CHECK(common_value(bias.grad()) == 3 * threads * passes);
}

TEST_CASE("regression 13: grad() on several threads over shared parameters") {
  const Tensor w = full({16}, 2).set_requires_grad();
  std::vector<double> found(4);
  on_threads(4, [&](int t) {
    for (int i = 0; i < 50; ++i) found[size_t(t)] += amax(grad(sum(square(w)), w)).item();
  });
  CHECK(found == std::vector<double>(4, 200));
  CHECK_FALSE(w.grad().defined());
}

TEST_CASE("regression 13: a retained graph serves several threads at once") {
  const Tensor w = full({16}, 2).set_requires_grad();
  const Tensor loss = sum(square(w));
  on_threads(4, [&](int) {
    for (int i = 0; i < 20; ++i) backward(loss, {}, {.retain_graph = true});
  });
  CHECK(common_value(w.grad()) == 4 * 20 * 4);
}

TEST_CASE("regression 13: one model serves several threads in InferenceMode, and packs its weights once for all") {
  Generator rng(3);
  const nn::Mlp mlp(32, 64, rng), other = nn::clone(mlp);
  const Tensor x = rng.normal({16, 32});
  const auto run = [&](const nn::Mlp& model) {
    const nn::InferenceMode on;
    return model(x);
  };
  const Tensor expected = run(other);
  std::vector<int> same(4);
  on_threads(4, [&](int t) {
    for (int i = 0; i < 20; ++i) same[size_t(t)] += tests::same_bits(run(mlp), expected);
  });
  CHECK(same == std::vector<int>(4, 20));
}
