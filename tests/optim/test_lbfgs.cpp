// L-BFGS: PyTorch's iterations, resuming, and functions that overflow or throw.
#include <cmath>

#include <doctest/doctest.h>

#include <ditharos/autograd/ops.h>
#include <ditharos/optim/lbfgs.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include "tests/support/golden.h"
#include "tests/support/tensor_cases.h"

using namespace ditharos;
using optim::Lbfgs;
using optim::LbfgsOptions;
using tests::message_of;

namespace {

/// The parameters of make_optim_golden.py, f64.
struct Problem {
  Tensor x = from_vector<double>({-1.2, 1.0, 0.5}).set_requires_grad();
  Tensor w = from_vector<double>({0.3, -0.5, 0.8, 1.4}, {2, 2}).set_requires_grad();
  nn::NamedTensors parameters() const { return {{"x", x}, {"w", w}}; }
  Tensor point() const { return cat({x.detach(), reshape(w.detach(), {4})}, 0); }
};

Tensor rosenbrock(const Problem& p) {
  const Tensor z = cat({p.x, reshape(p.w, {4})}, 0), head = slice(z, 0, 0, 6), tail = slice(z, 0, 1, 7);
  return sum(100.0 * square(tail - square(head)) + square(1.0 - head));
}

Tensor logistic(const Problem& p, const tests::Golden& golden) {
  const Tensor inputs = kernels::to(golden.at("lbfgs.inputs"), DType::f64);
  const Tensor classes = kernels::to(golden.at("lbfgs.classes"), DType::f64);
  const Tensor scores = reshape(matmul(inputs, reshape(p.w, {4, 1})), {24}) + slice(p.x, 0, 0, 1);
  return mean(softplus(-classes * scores)) + 0.05 * sum(square(p.x)) + 0.05 * sum(square(p.w));
}

/// A closure of an optimiser that counts its calls.
auto closure_of(Lbfgs& optimizer, const std::function<Tensor()>& loss_of, int* calls = nullptr) {
  return [&optimizer, loss_of, calls] {
    optimizer.zero_grad();
    const Tensor loss = loss_of();
    loss.backward();
    if (calls != nullptr) ++*calls;
    return loss;
  };
}

constexpr auto wolfe = optim::LineSearch::strong_wolfe;

}  // namespace

TEST_CASE("lbfgs: a line search makes no more evaluations than are left of max_eval") {
  const auto calls_of = [](const LbfgsOptions& options) {
    const Tensor x = from_vector<double>({3.0}).set_requires_grad();
    Lbfgs optimizer({{"x", x}}, options);
    int calls = 0;
    // A narrow valley far away: the first step is much too short, and the next ones are too long.
    optimizer.step(closure_of(optimizer, [&] { return sum(square(square(x - 1e4))) * 1e-9; }, &calls));
    return calls;
  };
  const int unbounded = calls_of({.max_iter = 1, .max_eval = 100, .line_search = wolfe});
  CHECK(unbounded > 4);
  for (const int most : {1, 2, 3, 4})
    CHECK(calls_of({.max_iter = 1, .max_eval = most, .line_search = wolfe}) == most + 1);
  CHECK(calls_of({.max_iter = 1, .line_search = wolfe}) == 2);  // 5/4 of 1 is 1
}

TEST_CASE("lbfgs: eight steps as PyTorch does them, with as many evaluations") {
  const tests::Golden golden("optim.golden");
  struct Row {
    std::string name;
    bool rosenbrock;
    double lr;
    LbfgsOptions options;
  };
  for (const Row& row : {Row{"wolfe", true, 1, {.max_iter = 6, .history_size = 3, .line_search = wolfe}},
                         Row{"wolfe_logistic", false, .01, {.max_iter = 4, .line_search = wolfe}},
                         Row{"plain", false, .8, {.max_iter = 3, .history_size = 2}},
                         Row{"evaluations", true, 1, {.max_iter = 20, .max_eval = 7, .line_search = wolfe}}}) {
    CAPTURE(row.name);
    Problem problem;
    Lbfgs optimizer(problem.parameters(), row.options);
    int calls = 0;
    const auto closure =
        closure_of(optimizer, [&] { return row.rosenbrock ? rosenbrock(problem) : logistic(problem, golden); }, &calls);
    const auto losses = golden.at("lbfgs." + row.name + ".loss").to_vector<double>();
    const auto counts = golden.at("lbfgs." + row.name + ".calls").to_vector<double>();
    const Tensor points = golden.at("lbfgs." + row.name + ".point");
    for (size_t step = 0; step < losses.size(); ++step) {
      CAPTURE(step);
      CHECK(optimizer.step(closure, row.lr) == doctest::Approx(losses[step]).epsilon(1e-6));
      CHECK(calls == int(counts[step]));
      CHECK(tests::difference(kernels::to(problem.point(), DType::f32), points.select(0, int64_t(step))) < 1e-6);
    }
  }
}

TEST_CASE("lbfgs: finds the minimum of Rosenbrock's function, in f64 and in f32") {
  for (const DType dtype : {DType::f64, DType::f32}) {
    Problem problem;
    problem.x = kernels::to(problem.x.detach(), dtype).set_requires_grad();
    problem.w = kernels::to(problem.w.detach(), dtype).set_requires_grad();
    Lbfgs optimizer(problem.parameters(), {.max_iter = 200, .line_search = wolfe});
    optimizer.step(closure_of(optimizer, [&] { return rosenbrock(problem); }));
    for (const double z : problem.point().to_vector<double>())
      CHECK(z == doctest::Approx(1).epsilon(dtype == DType::f64 ? 1e-4 : 5e-3));
  }
}

TEST_CASE("lbfgs: a loaded state goes on with the same bits") {
  for (const int stop_at : {0, 1, 4}) {
    Problem one, other;
    const LbfgsOptions options{.max_iter = 3, .history_size = 4, .line_search = wolfe};
    Lbfgs whole(one.parameters(), options), first(other.parameters(), options);
    for (int i = 0; i < 8; ++i) whole.step(closure_of(whole, [&] { return rosenbrock(one); }));
    for (int i = 0; i < stop_at; ++i) first.step(closure_of(first, [&] { return rosenbrock(other); }));
    Lbfgs second(other.parameters(), options);
    second.load_state(first.state());
    for (int i = stop_at; i < 8; ++i) second.step(closure_of(second, [&] { return rosenbrock(other); }));
    CHECK(tests::same_bits(one.point(), other.point()));
    const nn::NamedTensors a = whole.state(), b = second.state();
    for (size_t i = 0; i < a.size(); ++i) CHECK(tests::same_bits(a[i].tensor, b[i].tensor));
  }
}

TEST_CASE("lbfgs: a trial that overflows makes the step shorter") {
  const Tensor x = full({1}, .5, DType::f64).set_requires_grad();
  Lbfgs optimizer({{"x", x}}, {.max_iter = 30, .line_search = wolfe});
  // log(1 - x) does not exist beyond 1; the first trial lies there.
  optimizer.step(closure_of(optimizer, [&] { return sum(-3.0 * x - log(1.0 - x)); }), 10);
  CHECK(x.item() == doctest::Approx(2.0 / 3));  // -3 + 1 / (1 - x) = 0
}

TEST_CASE("lbfgs: a step that fails changes nothing") {
  Problem problem;
  Lbfgs optimizer(problem.parameters(), {.max_iter = 4, .line_search = wolfe});
  optimizer.step(closure_of(optimizer, [&] { return rosenbrock(problem); }));
  const Tensor before = problem.point();
  const nn::NamedTensors state = optimizer.state();
  const auto unchanged = [&] {
    CHECK(tests::same_bits(problem.point(), before));
    const nn::NamedTensors now = optimizer.state();
    for (size_t i = 0; i < now.size(); ++i) CHECK(tests::same_bits(now[i].tensor, state[i].tensor));
  };
  int calls = 0;
  CHECK(message_of<Error>([&] {
          optimizer.step([&] {
            check(++calls < 3, "the data ended");
            return closure_of(optimizer, [&] { return rosenbrock(problem); })();
          });
        }) == "the data ended");
  unchanged();
  CHECK(message_of<Error>([&] {
          optimizer.step(closure_of(optimizer, [&] { return rosenbrock(problem) * double(INFINITY); }));
        }) == "[lbfgs] the loss is inf; nothing was updated");
  CHECK(message_of<Error>([&] {
          optimizer.step(closure_of(optimizer, [&] { return sum(sqrt(problem.w - problem.w.detach())); }));
        }) == "[lbfgs] the gradient of \"w\" has NaN or infinite elements; nothing was updated");
  CHECK(message_of<ShapeError>([&] { optimizer.step([&] { return problem.w; }); }) ==
        "[lbfgs] the closure must return the loss, one number, got [2, 2]");
  CHECK_THROWS_AS(optimizer.step([&] { return rosenbrock(problem); }, 0), ConfigError);
  unchanged();
}

TEST_CASE("lbfgs: refuses options, parameters and states that do not fit") {
  Problem problem;
  const nn::NamedTensors p = problem.parameters();
  CHECK_THROWS_AS(Lbfgs(p, {.max_iter = 0}), ConfigError);
  CHECK_THROWS_AS(Lbfgs(p, {.max_eval = -1}), ConfigError);
  CHECK_THROWS_AS(Lbfgs(p, {.history_size = 0}), ConfigError);
  CHECK_THROWS_AS(Lbfgs(p, {.tolerance_change = NAN}), ConfigError);
  CHECK_THROWS_AS(Lbfgs(nn::NamedTensors{}), ConfigError);
  CHECK_THROWS_AS(Lbfgs({{"x", problem.x}, {"x", problem.w}}), ConfigError);
  CHECK_THROWS_AS(Lbfgs({{"2 x", problem.x * 2.0}}), AutogradError);
  CHECK(message_of<DTypeError>([&] { Lbfgs({{"x", problem.x}, {"f", zeros({2})}}); }) ==
        "[lbfgs] parameter \"f\" is f32, but \"x\" is f64");
  CHECK(Lbfgs({{"x", problem.x}, {"tied", problem.x}}).parameters().size() == 1);

  Lbfgs optimizer(p, {.max_iter = 4, .history_size = 2, .line_search = wolfe});
  optimizer.step(closure_of(optimizer, [&] { return rosenbrock(problem); }));
  const nn::NamedTensors good = optimizer.state();
  const auto refused = [&](const std::string& name, const Tensor& tensor) {
    nn::NamedTensors state = good;
    for (nn::NamedTensor& entry : state)
      if (entry.name == name) entry.tensor = tensor;
    return message_of<Error>([&] { optimizer.load_state(state); });
  };
  CHECK(refused("d", zeros({6}, DType::f64)) ==
        "the state of L-BFGS does not fit: \"d\" is of shape [6] instead of [7]");
  CHECK(refused("d", zeros({7})) == "the state of L-BFGS does not fit: \"d\" is f32 instead of f64");
  CHECK(refused("old_dirs", zeros({3, 7}, DType::f64)) ==
        "the state of L-BFGS does not fit: \"old_dirs\" is of shape [3, 7] instead of [2, 7]");
  CHECK(refused("old_dirs", zeros({1, 7}, DType::f64)) == "the state of L-BFGS has 1 \"old_dirs\" and 2 \"old_stps\"");
  nn::NamedTensors state = good;
  state.pop_back();
  CHECK(message_of<ShapeError>([&] { optimizer.load_state(state); }) == "the state of L-BFGS has no \"old_stps\"");
  state = good;
  state.push_back({"extra", zeros({1})});
  CHECK(message_of<ShapeError>([&] { optimizer.load_state(state); }) == "the state of L-BFGS has 8 tensors, got 9");
  optimizer.load_state(good);
}
