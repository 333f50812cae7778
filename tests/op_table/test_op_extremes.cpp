// Extreme inputs of every operation of the op table: values and gradients from closed forms.
#include <cmath>
#include <cstdio>
#include <set>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <doctest/doctest.h>
#include "tests/op_table/extremes/op_extremes.h"

using namespace ditharos;
using namespace ditharos::tests;

TEST_CASE("op table: extreme inputs have the right value and the right gradients") {
  int64_t checks = 0, cases = 0;
  for (const Row& row : op_table())
    for (const Extreme& extreme : row.extremes) {
      ++cases;
      for (const std::string& problem : problems_at(row, extreme, checks)) FAIL_CHECK(problem);
      CHECK_MESSAGE(live_nodes() == 0, row.name << " leaves nodes behind");
    }
  std::printf("op table: %lld extreme cases, %lld checks\n", static_cast<long long>(cases),
              static_cast<long long>(checks));
}

TEST_CASE("op table: every operation states extreme inputs or why it needs none") {
  std::set<std::string> names, answered, excused;
  for (const Row& row : op_table()) {
    names.insert(row.name);
    if (!row.extremes.empty()) answered.insert(row.name);
    if (!row.no_extremes.empty()) excused.insert(row.name);
  }
  for (const std::string& name : names)
    CHECK_MESSAGE(answered.count(name) + excused.count(name) > 0,
                  name << " states neither extreme inputs nor why it needs none");
}

TEST_CASE("op table: the check of extreme inputs finds wrong values, gradients and second derivatives") {
  // x^2 with factors that spoil the value, the gradient, the gradient with create_graph and its own derivative.
  const auto problems = [](double value, double first, double composite, double second) {
    Row row;
    row.name = "test.square";
    row.op = [=](const Tensors& in) {
      const Rule rule = each([=](const Backward& d) {
        if (!grad_enabled()) return d.grad() * d.input(0) * first;
        return d.grad() * (d.input(0) * second + d.input(0).detach() * (composite - second));
      });
      return record("test.square", square(in[0].detach()) * value, {in[0]}, save_inputs, rule);
    };
    int64_t count = 0;
    return problems_at(row,
                       points(
                           "far out", {1e10, -3}, [](Real x) { return x * x; }, [](Real x) { return 2 * x; },
                           [](Real) { return 2; }),
                       count)
        .size();
  };
  CHECK(problems(1, 2, 2, 2) == 0);
  CHECK(problems(1.001, 2, 2, 2) > 0);
  CHECK(problems(1, 2.001, 2, 2) > 0);
  CHECK(problems(1, 2, 2.001, 2) > 0);
  CHECK(problems(1, 2, 2, 2.001) > 0);
  CHECK(problems(NAN, 2, 2, 2) > 0);
}
