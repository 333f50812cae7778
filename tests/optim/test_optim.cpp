// Optimisers, clipping and moving average, against PyTorch and against their contracts.
#include <cmath>
#include <functional>
#include <limits>
#include <memory>

#include <doctest/doctest.h>

#include <ditharos/nn/state_dict.h>
#include <ditharos/optim/adagrad.h>
#include <ditharos/optim/adam.h>
#include <ditharos/optim/clip.h>
#include <ditharos/optim/ema.h>
#include <ditharos/optim/muon.h>
#include <ditharos/optim/rmsprop.h>
#include <ditharos/optim/sgd.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/tensor/random.h>
#include "tests/support/golden.h"

using namespace ditharos;

namespace {

// Three parameters and a buffer.
struct Toy : nn::Module<Toy> {
  nn::Parameter a, b, c;
  nn::Buffer buffer{from_vector<float>({1, 2})};
  void visit(nn::Visitor& v) override {
    v("a", a);
    v("b", b);
    v("c", c);
    v.buffer("buffer", buffer);
  }
};

Toy random_toy(uint64_t seed, DType dtype = DType::f32) {
  Generator rng(seed);
  Toy toy;
  toy.a = rng.normal({4, 5}, dtype).set_requires_grad();
  toy.b = rng.normal({7}, dtype).set_requires_grad();
  toy.c = rng.normal({3, 2, 2}, dtype).set_requires_grad();
  return toy;
}

void set_random_gradients(Toy& toy, uint64_t seed) {
  Generator rng(seed);
  for (const auto& [name, tensor] : nn::named_parameters(toy)) {
    tensor.set_grad(rng.normal(tensor.shape(), tensor.dtype()));
  }
}

std::vector<double> values(const nn::NamedTensors& tensors) {
  std::vector<double> all;
  for (const auto& [name, tensor] : tensors) {
    const auto v = tensor.to_vector<double>();
    all.insert(all.end(), v.begin(), v.end());
  }
  return all;
}

struct Case {
  const char* name;
  double lr;
  std::function<std::unique_ptr<optim::Optimizer>(const nn::NamedTensors&)> make;
};

// As in tests/golden/make_optim_golden.py.
const std::vector<Case>& cases() {
  using namespace optim;
  static const std::vector<Case> all = {
      {"sgd", 0.05, [](const auto& p) { return std::make_unique<Sgd>(p); }},
      {"momentum", 0.05, [](const auto& p) { return std::make_unique<Sgd>(p, SgdOptions{0.9, 0.02, false}); }},
      {"nesterov", 0.05, [](const auto& p) { return std::make_unique<Sgd>(p, SgdOptions{0.8, 0.01, true}); }},
      {"adam", 0.03, [](const auto& p) { return std::make_unique<Adam>(p, AdamOptions{0.8, 0.95, 1e-6, 0.1}); }},
      {"adamw", 0.03, [](const auto& p) { return std::make_unique<AdamW>(p, AdamOptions{0.9, 0.99, 1e-8, 0.2}); }},
      {"muon", 0.03,
       [](const nn::NamedTensors& p) {
         const auto [matrices, others] = partition(p, [](const auto& each) { return each.tensor.rank() == 2; });
         return std::make_unique<Muon>(matrices, others, MuonOptions{.momentum = 0.9, .weight_decay = 0.2},
                                       AdamOptions{0.9, 0.99, 1e-8, 0.2});
       }},
      {"muon_groups", 0.03,
       [](const nn::NamedTensors& p) {
         const std::vector<ParameterGroup> others{{.parameters = {p[1]}, .weight_decay = 0},
                                                  {.parameters = {p[2]}, .lr_scale = 3}};
         return std::make_unique<Muon>(
             std::vector<ParameterGroup>{{.parameters = {p[0]}, .weight_decay = 0.05, .lr_scale = 0.5}}, others,
             MuonOptions{.momentum = 0.9, .weight_decay = 0.2}, AdamOptions{0.9, 0.99, 1e-8, 0.2});
       }},
      {"amsgrad", 0.03,
       [](const auto& p) { return std::make_unique<Adam>(p, AdamOptions{0.8, 0.7, 1e-8, 0.1, true}); }},
      {"dampening", 0.05, [](const auto& p) { return std::make_unique<Sgd>(p, SgdOptions{0.9, 0.02, false, 0.3}); }},
      {"rmsprop", 0.02, [](const auto& p) { return std::make_unique<RMSprop>(p, RMSpropOptions{0.9, 1e-6, 0.1}); }},
      {"rmsprop_centered", 0.02,
       [](const auto& p) { return std::make_unique<RMSprop>(p, RMSpropOptions{0.8, 1e-8, 0.05, 0.7, true}); }},
      {"adagrad", 0.1, [](const auto& p) { return std::make_unique<Adagrad>(p, AdagradOptions{0.2, 0.1, 0.3}); }},
  };
  return all;
}

}  // namespace

TEST_CASE("optimisers: ten steps with clipping and moving average as PyTorch does them") {
  const tests::Golden golden("optim.golden");
  const std::vector<double> norms = golden.at("norms").to_vector<double>();
  for (const Case& c : cases()) {
    // PyTorch computed in f64 and the file stores f32: f64 must agree to its rounding, f32 to that of ten steps.
    for (const auto& [dtype, tolerance] : {std::pair(DType::f64, 2e-7), std::pair(DType::f32, 3e-6)}) {
      CAPTURE(c.name);
      const auto shown = name_of(dtype);
      CAPTURE(shown);
      Toy toy;
      for (auto [name, tensor] : {std::pair("a", &toy.a), std::pair("b", &toy.b), std::pair("c", &toy.c)}) {
        *tensor = kernels::to(golden.at(std::string("start.") + name), dtype).set_requires_grad();
      }
      const auto optimizer = c.make(nn::named_parameters(toy));
      optim::Ema ema(toy, 0.35);
      for (int step = 0; step < 10; ++step) {
        CAPTURE(step);
        optimizer->zero_grad();
        for (const auto& [name, grad] : golden.with_prefix("grad." + std::to_string(step) + ".")) {
          (name == "a" ? toy.a : name == "b" ? toy.b : toy.c).set_grad(kernels::to(grad, dtype));
        }
        CHECK(toy.c.grad().defined() == (step != 0 && step != 4));
        const optim::ClipFactor gradient = optim::clip_grad_factor(optimizer->parameters(), 2.0);
        CHECK(gradient.norm == doctest::Approx(norms[size_t(step)]).epsilon(1e-6));
        CHECK((gradient.factor < 1) == (gradient.norm > 2.0));
        optimizer->step(c.lr, gradient.factor, &ema);
        for (const auto& [name, want] : golden.with_prefix(c.name + ("." + std::to_string(step) + "."))) {
          const auto shown = name;
          CAPTURE(shown);
          CHECK(tests::difference(kernels::to(name == "a"   ? toy.a
                                              : name == "b" ? toy.b
                                                            : toy.c,
                                              DType::f32),
                                  want) < tolerance);
        }
      }
      for (const auto& [name, want] : golden.with_prefix(c.name + std::string(".average."))) {
        const auto shown = name;
        CAPTURE(shown);
        const Tensor average = ema.average_of(name == "a" ? toy.a : name == "b" ? toy.b : toy.c);
        CHECK(tests::difference(kernels::to(average, DType::f32), want) < tolerance);
      }
    }
  }
}

TEST_CASE("optimisers: a non-finite gradient is named and changes nothing") {
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(),
                           -std::numeric_limits<double>::infinity()}) {
    for (const Case& c : cases()) {
      CAPTURE(c.name);
      Toy toy = random_toy(1);
      const auto optimizer = c.make(nn::named_parameters(toy));
      optim::Ema ema(toy, 0.9);
      set_random_gradients(toy, 2);
      optimizer->step(c.lr, 1.0, &ema);

      set_random_gradients(toy, 3);
      toy.c.grad().mutable_data<float>()[11] = float(bad);  // the last element of the last parameter
      const auto before = values(nn::named_tensors(toy)), state = values(optimizer->state());
      const auto average = values(ema.state());
      CHECK_THROWS_WITH_AS(optimizer->step(c.lr, 1.0, &ema),
                           "[optimizer] the gradient of \"c\" has NaN or infinite elements; nothing was updated",
                           Error);
      CHECK_THROWS_WITH_AS(optim::clip_grad_factor(optimizer->parameters(), 1.0),
                           "[clip_grad_factor] the gradient of \"c\" has NaN or infinite elements", Error);
      CHECK(values(nn::named_tensors(toy)) == before);
      CHECK(values(optimizer->state()) == state);
      CHECK(values(ema.state()) == average);
      CHECK(ema.updates() == 1);
      for (const double rate : {-1.0, bad}) {
        set_random_gradients(toy, 3);
        CHECK_THROWS_AS(optimizer->step(rate), ConfigError);
        CHECK_THROWS_AS(optimizer->step(c.lr, rate), ConfigError);
        CHECK(values(nn::named_tensors(toy)) == before);
      }
    }
  }
}

TEST_CASE("optimisers: a loaded state continues with the same bits, at every number of threads") {
  const int threads = num_threads();
  for (const Case& c : cases()) {
    CAPTURE(c.name);
    const auto train = [&](int stop_at, int thread_count) {
      set_num_threads(thread_count);
      Toy toy = random_toy(1);
      auto optimizer = c.make(nn::named_parameters(toy));
      auto ema = std::make_unique<optim::Ema>(toy, 0.9);
      for (int step = 0; step < 6; ++step) {
        if (step == stop_at) {
          Toy fresh = random_toy(99);
          auto other = c.make(nn::named_parameters(fresh));
          auto other_ema = std::make_unique<optim::Ema>(fresh, 0.9);
          nn::load_state_dict(fresh, nn::named_tensors(toy));
          other->load_state(optimizer->state());
          other_ema->load_state(ema->state(), ema->updates());
          toy = std::move(fresh);
          optimizer = std::move(other);
          ema = std::move(other_ema);
        }
        set_random_gradients(toy, uint64_t(10 + step));
        optimizer->step(c.lr, 0.5, ema.get());
      }
      auto all = values(nn::named_tensors(toy));
      for (const double x : values(optimizer->state())) all.push_back(x);
      for (const double x : values(ema->state())) all.push_back(x);
      return all;
    };
    const auto want = train(-1, 1);
    CHECK(train(3, 1) == want);
    CHECK(train(0, 2) == want);
    CHECK(train(-1, 4) == want);
  }
  set_num_threads(threads);
}

TEST_CASE("optimisers: state that does not fit is refused by name and changes nothing") {
  Toy toy = random_toy(1);
  optim::AdamW adam(nn::named_parameters(toy));
  set_random_gradients(toy, 2);
  adam.step(0.1);
  const auto before = values(adam.state());
  const auto refused = [&](const nn::NamedTensors& state, const std::string& part) {
    std::string message;
    try {
      adam.load_state(state);
    } catch (const Error& e) {
      message = e.what();
    }
    CAPTURE(message);
    CHECK(message.find(part) != std::string::npos);
    CHECK(values(adam.state()) == before);
  };
  CHECK(adam.state()[1].name == "a/exp_avg");
  nn::NamedTensors state = adam.state();
  for (auto& [name, tensor] : state) tensor = zeros(tensor.shape(), tensor.dtype());
  auto missing = state;
  missing.pop_back();
  refused(missing, "missing: c/exp_avg_sq");
  auto unexpected = state;
  unexpected.push_back({"d/step", scalar(0, DType::i64)});
  refused(unexpected, "unexpected: d/step");
  auto misshapen = state;
  misshapen.back().tensor = zeros({3, 4});
  refused(misshapen, "c/exp_avg_sq ([3, 4] instead of [3, 2, 2])");
  auto mistyped = state;
  mistyped.back().tensor = zeros({3, 2, 2}, DType::f64);
  refused(mistyped, "\"c/exp_avg_sq\" is f64 instead of f32");
  optim::Sgd sgd(nn::named_parameters(toy), {.momentum = 0.9});
  refused(sgd.state(), "unexpected: a/momentum_buffer");
  adam.load_state(state);
  CHECK(values(adam.state()) == values(state));
}

TEST_CASE("optimisers: refuse bad options and bad parameters; a shared weight is trained once") {
  const auto one = [](const Tensor& t) { return nn::NamedTensors{{"w", t}}; };
  const Tensor w = ones({2, 3});
  CHECK_THROWS_AS(optim::Sgd(one(w), {.momentum = -1}), ConfigError);
  CHECK_THROWS_AS(optim::Sgd(one(w), {.weight_decay = -1}), ConfigError);
  CHECK_THROWS_AS(optim::Sgd(one(w), {.nesterov = true}), ConfigError);
  CHECK_THROWS_AS(optim::Adam(one(w), {.beta1 = 1}), ConfigError);
  CHECK_THROWS_AS(optim::Adam(one(w), {.beta2 = -0.1}), ConfigError);
  CHECK_THROWS_AS(optim::Adam(one(w), {.eps = -1}), ConfigError);
  CHECK_THROWS_AS(optim::AdamW(one(w), {.weight_decay = NAN}), ConfigError);
  CHECK_THROWS_AS(optim::Sgd(one(w), {.momentum = .9, .nesterov = true, .dampening = .1}), ConfigError);
  CHECK_THROWS_AS(optim::Sgd(one(w), {.momentum = .9, .dampening = -1}), ConfigError);
  CHECK_THROWS_AS(optim::RMSprop(one(w), {.alpha = 1}), ConfigError);
  CHECK_THROWS_AS(optim::RMSprop(one(w), {.momentum = -.1}), ConfigError);
  CHECK_THROWS_AS(optim::Adagrad(one(w), {.lr_decay = -1}), ConfigError);
  CHECK_THROWS_AS(optim::Adagrad(one(w), {.initial_accumulator_value = NAN}), ConfigError);
  CHECK_THROWS_AS(optim::Sgd({}), ConfigError);
  CHECK_THROWS_AS(optim::Sgd({{"w", w}, {"w", ones({2})}}), ConfigError);
  CHECK_THROWS_AS(optim::Sgd(one(ones({2}, DType::i64))), DTypeError);
  CHECK_THROWS_AS(optim::Sgd(one(ones({2, 3}).transpose(0, 1))), ShapeError);

  const nn::NamedTensors tied = {{"encoder.w", w}, {"decoder.w", w}};
  optim::Sgd sgd(tied);
  CHECK(sgd.parameters().size() == 1);
  w.set_grad(full({2, 3}, 2.0));
  CHECK(optim::clip_grad_factor(tied, 1e9).norm == doctest::Approx(std::sqrt(24.0)));
  sgd.step(0.25);
  CHECK(w.to_vector<float>() == std::vector<float>(6, 0.5f));
}

TEST_CASE("optimisers: a step counts as a mutation, and a strided gradient is read as it is shaped") {
  const Tensor w = zeros({2, 3});
  optim::Sgd sgd({{"w", w}});
  const uint64_t version = w.version();
  w.set_grad(from_vector<float>({1, 2, 3, 4, 5, 6}, {3, 2}).transpose(0, 1));
  sgd.step(1.0);
  CHECK(w.version() > version);
  CHECK(w.to_vector<float>() == std::vector<float>{-1, -3, -5, -2, -4, -6});
  sgd.zero_grad();
  CHECK(!w.grad().defined());
  sgd.step(1.0);
  CHECK(w.to_vector<float>() == std::vector<float>{-1, -3, -5, -2, -4, -6});
}

TEST_CASE("clip_grad_factor: factor, no clipping, no gradient, overflow") {
  const Tensor w = zeros({4}), empty_grad = zeros({2});
  const nn::NamedTensors parameters = {{"w", w}, {"unused", empty_grad}};
  CHECK(optim::clip_grad_factor(parameters, 1.0).norm == 0);
  CHECK(optim::clip_grad_factor(parameters, 1.0).factor == 1);
  w.set_grad(full({4}, 3.0));
  CHECK(optim::clip_grad_factor(parameters, 1.5).norm == 6);
  CHECK(optim::clip_grad_factor(parameters, 1.5).factor == 1.5 / (6 + 1e-6));
  CHECK(optim::clip_grad_factor(parameters, 6.1).factor == 1);
  CHECK(optim::clip_grad_factor(parameters, std::numeric_limits<double>::infinity()).factor == 1);
  CHECK_THROWS_AS(optim::clip_grad_factor(parameters, 0), ConfigError);
  CHECK_THROWS_AS(optim::clip_grad_factor(parameters, NAN), ConfigError);

  const Tensor big = zeros({2}, DType::f64);
  big.set_grad(full({2}, 1e200, DType::f64));
  CHECK_THROWS_WITH_AS(optim::clip_grad_factor({{"big", big}}, 1),
                       "[clip_grad_factor] the gradient of \"big\" is too large to be squared", Error);
  w.set_grad(full({4}, 3e38));  // its squares fit a double
  CHECK(optim::clip_grad_factor(parameters, 1).norm == doctest::Approx(6e38));
}

TEST_CASE("ema: warm-up, buffers copied, swapped in for a scope") {
  Toy toy = random_toy(1);
  optim::Ema ema(toy, 0.5);
  const auto start = values({{"a", toy.a}});
  kernels::fill(toy.a, 1.0);
  kernels::fill(toy.buffer, 7.0);
  ema.update();  // decay (1 + 0) / (10 + 0)
  auto average = values({{"a", ema.average_of(toy.a)}});
  for (size_t i = 0; i < start.size(); ++i) CHECK(average[i] == doctest::Approx(0.1 * start[i] + 0.9).epsilon(1e-6));
  CHECK(ema.state().size() == 4);
  CHECK(ema.state()[3].name == "buffer");
  CHECK(ema.state()[3].tensor.to_vector<float>() == std::vector<float>{7, 7});
  for (int i = 1; i < 8; ++i) ema.update();
  kernels::fill(toy.a, 0.0);
  average = values({{"a", ema.average_of(toy.a)}});
  ema.update();  // (1 + 8) / (10 + 8) = .5: the end of the warm-up
  ema.update();
  const auto later = values({{"a", ema.average_of(toy.a)}});
  for (size_t i = 0; i < start.size(); ++i) CHECK(later[i] == doctest::Approx(0.25 * average[i]).epsilon(1e-6));
  CHECK(ema.updates() == 10);

  const auto model = values(nn::named_parameters(toy));
  const uint64_t version = toy.a.version();
  try {
    const optim::EmaScope scope(ema);
    CHECK(values({{"a", toy.a}}) == later);
    throw Error("evaluation failed");
  } catch (const Error&) {
  }
  CHECK(values(nn::named_parameters(toy)) == model);
  CHECK(values({{"a", ema.average_of(toy.a)}}) == later);
  CHECK(toy.a.version() > version);
  CHECK(!ema.average_of(zeros({2})).defined());
}

TEST_CASE("ema: a shared weight has one average; bad states and decays are refused") {
  Toy toy = random_toy(1);
  toy.b = toy.a.handle();
  optim::Ema ema(toy, 0.5);
  CHECK(ema.state()[0].tensor.impl() == ema.state()[1].tensor.impl());
  kernels::fill(toy.a, 1.0);
  ema.update();
  const auto average = values({{"a", ema.average_of(toy.a)}});
  {
    const optim::EmaScope scope(ema);
    CHECK(values({{"a", toy.a}}) == average);
  }
  CHECK(toy.a.to_vector<float>() == std::vector<float>(20, 1.0f));

  auto state = ema.state();
  state.pop_back();
  CHECK_THROWS_AS(ema.load_state(state, 3), ShapeError);
  CHECK_THROWS_AS(ema.load_state(ema.state(), -1), ConfigError);
  CHECK(ema.updates() == 1);
  for (const double decay : {1.0, -0.1, double(NAN)}) CHECK_THROWS_AS(optim::Ema(toy, decay), ConfigError);
}
