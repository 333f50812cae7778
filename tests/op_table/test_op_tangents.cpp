// Every operation of the table has a tangent rule, and it is the transpose of the backward rule.
#include <cstdio>

#include <ditharos/autograd/forward_mode.h>
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <doctest/doctest.h>
#include "tests/op_table/op_tangent_checks.h"
#include "tests/support/tensor_cases.h"

using namespace ditharos;

TEST_CASE("op table: tangent rules agree with backward rules, to second order") {
  int64_t checks = 0;
  for (const tests::Row& row : tests::op_table()) {
    checks += tests::check_tangents(row);
    CHECK_MESSAGE(live_nodes() == 0, row.name << " leaves nodes behind");
  }
  CHECK(checks > 5000);
  std::printf("op table: %lld comparisons of tangents\n", static_cast<long long>(checks));
}

TEST_CASE("op table: an operation without a tangent rule is noticed") {
  const tests::Row row{.name = "test.no_tangent", .record = "test.no_tangent", .op = [](const tests::Tensors& in) {
                         return record("test.no_tangent", in[0].detach(), {in[0]}, save_nothing,
                                       each([](const Backward& d) { return d.grad(); }));
                       }};
  const DualLevel level;
  CHECK(tests::message_of<AutogradError>([&] { row.op({make_dual(ones({2}), ones({2}))}); }) ==
        "[test.no_tangent] has no tangent rule, and an input has a tangent: pass one to record() (autograd/rule.h)");
}
