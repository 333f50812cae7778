// Optimisers when memory ends: a step happens wholly or not at all, whichever allocation fails.
#include <functional>
#include <memory>
#include <new>

#include <doctest/doctest.h>

#include <ditharos/autograd/node.h>
#include <ditharos/optim/adagrad.h>
#include <ditharos/optim/adam.h>
#include <ditharos/optim/clip.h>
#include <ditharos/optim/ema.h>
#include <ditharos/optim/muon.h>
#include <ditharos/optim/rmsprop.h>
#include <ditharos/optim/sgd.h>
#include <ditharos/tensor/allocator.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/tensor/random.h>
#include "tests/support/heap_counter.h"

namespace ditharos::test_optimizer_memory {

namespace {

struct Toy : nn::Module<Toy> {
  nn::Parameter a, b, c, d;
  nn::Buffer buffer{from_vector<float>({1, 2})};
  void visit(nn::Visitor& v) override {
    v("a", a), v("b", b), v("c", c), v("d", d);
    v.buffer("buffer", buffer);
  }
};

// Matrices of several forms, a vector, and a gradient that is not contiguous.
Toy random_toy() {
  Generator rng(1);
  Toy toy;
  toy.a = rng.normal({40, 25}).set_requires_grad();
  toy.b = rng.normal({7}).set_requires_grad();
  toy.c = rng.normal({12, 33}).set_requires_grad();
  toy.d = rng.normal({9, 9}).set_requires_grad();
  toy.a.set_grad(rng.normal({40, 25}));
  toy.b.set_grad(rng.normal({7}));
  toy.c.set_grad(rng.normal({33, 12}).transpose(0, 1));
  return toy;
}

using Make = std::function<std::unique_ptr<optim::Optimizer>(const nn::NamedTensors&)>;
std::unique_ptr<optim::Optimizer> make_muon(const nn::NamedTensors& p, bool nesterov) {
  const auto [matrices, others] = optim::partition(p, [](const auto& each) { return each.tensor.rank() == 2; });
  return std::make_unique<optim::Muon>(matrices, others, optim::MuonOptions{.nesterov = nesterov});
}
const std::vector<std::pair<const char*, Make>>& makers() {
  using namespace optim;
  static const std::vector<std::pair<const char*, Make>> all = {
      {"sgd", [](const auto& p) { return std::make_unique<Sgd>(p); }},
      {"nesterov", [](const auto& p) { return std::make_unique<Sgd>(p, SgdOptions{0.8, 0.01, true}); }},
      {"adam", [](const auto& p) { return std::make_unique<Adam>(p, AdamOptions{}); }},
      {"adamw", [](const auto& p) { return std::make_unique<AdamW>(p, AdamOptions{}); }},
      {"amsgrad", [](const auto& p) { return std::make_unique<Adam>(p, AdamOptions{.amsgrad = true}); }},
      {"rmsprop", [](const auto& p) { return std::make_unique<RMSprop>(p, RMSpropOptions{.centered = true}); }},
      {"adagrad", [](const auto& p) { return std::make_unique<Adagrad>(p); }},
      {"muon", [](const auto& p) { return make_muon(p, true); }},
      {"muon without nesterov", [](const auto& p) { return make_muon(p, false); }},
  };
  return all;
}

/// Everything that a step changes.
std::vector<double> everything(Toy& toy, const optim::Optimizer& optimizer, const optim::Ema& ema) {
  std::vector<double> all{double(ema.updates())};
  for (const nn::NamedTensors& list : {nn::named_tensors(toy), optimizer.state(), ema.state()})
    for (const auto& [name, tensor] : list)
      for (const double x : tensor.to_vector<double>()) all.push_back(x);
  return all;
}

/// Steps with the n-th allocation failing, for n = 1, 2, ... until a step goes through. The number of failures.
int fail_everywhere(const Make& make, const std::function<void(uint64_t)>& fail_allocation) {
  Toy toy = random_toy();
  const auto optimizer = make(nn::named_parameters(toy));
  optim::Ema ema(toy, .9);
  optimizer->step(.01, .5, &ema);  // kernels have what they keep
  const std::vector<double> before = everything(toy, *optimizer, ema);
  for (int n = 1; n < 5000; ++n) {
    bool failed = false;
    fail_allocation(uint64_t(n));
    try {
      optimizer->step(.01, optim::clip_grad_factor(optimizer->parameters(), 1.0).factor, &ema);
    } catch (const Error&) {
      failed = true;
    } catch (const std::bad_alloc&) {
      failed = true;
    }
    fail_allocation(0);
    if (!failed) {
      CHECK(everything(toy, *optimizer, ema) != before);
      return n - 1;
    }
    const bool unchanged = everything(toy, *optimizer, ema) == before;
    CHECK_MESSAGE(unchanged, "allocation ", n);
    if (!unchanged) return n;
  }
  return -1;
}

}  // namespace

TEST_CASE("R10: an optimiser's step that runs out of memory changes nothing, whichever allocation fails") {
  for (const auto& [name, make] : makers()) {
    const auto shown = name;
    CAPTURE(shown);
    const int failures = fail_everywhere(make, fail_allocation_in);
    CHECK(failures >= 1);  // of the gradient that is not contiguous
    if (std::string(name).starts_with("muon")) CHECK(failures > 50);
  }
}

TEST_CASE("R10: an optimiser's step whose heap allocation fails changes nothing either") {
  if (!tests::heap_allocations()) {
    MESSAGE("skipped: under a sanitizer allocations are not made to fail");
    return;
  }
  const int threads = num_threads();
  set_num_threads(1);
  collect_op_names(false);  // the collection of names, which only the test program does, allocates too
  for (const auto& [name, make] : makers()) {
    const auto shown = name;
    CAPTURE(shown);
    CHECK(fail_everywhere(make, tests::fail_heap_allocation_in) > 1);
  }
  collect_op_names(true);
  set_num_threads(threads);
}

}  // namespace ditharos::test_optimizer_memory
