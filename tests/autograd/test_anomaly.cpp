// The search for the first NaN.
#include <doctest/doctest.h>

#include <cmath>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/inspect/anomaly.h>
#include <ditharos/autograd/ops.h>
#include "tests/support/tensor_cases.h"

using namespace ditharos;
using ditharos::tests::message_of;

namespace {
Tensor leaf(const std::vector<double>& values) { return from_vector(values).set_requires_grad(); }
}  // namespace

TEST_CASE("detect nan: off at the start, on for a scope") {
  const Tensor x = leaf({-1, 4});
  CHECK_FALSE(detect_nan());
  CHECK(std::isnan(sum(log(x)).item()));
  {
    DetectNan guard;
    CHECK(detect_nan());
    CHECK(message_of<AutogradError>([&] { log(x); }) ==
          "[log] made a NaN out of inputs without one, of shapes [2]; input 0 comes from leaf of shape [2]");
  }
  CHECK_FALSE(detect_nan());
}

TEST_CASE("detect nan: the operation whose result first was NaN, also when nothing is recorded") {
  DetectNan guard;
  const Tensor x = leaf({1, 2});
  CHECK(message_of<AutogradError>([&] { sqrt(sum(square(x)) - 6.0); }) ==
        "[sqrt] made a NaN out of inputs without one, of shapes []; input 0 comes from add_scalar of shape [] <- sum "
        "<- square <- leaf of shape [2]");
  NoGrad unrecorded;
  CHECK(message_of<AutogradError>([] { sqrt(scalar(-1)); }) ==
        "[sqrt] made a NaN out of inputs without one, of shapes []");
  CHECK(message_of<AutogradError>([] { scalar(NAN) + 1.0; }) == "[add_scalar] input 0 of shape [] has a NaN");
  CHECK(std::isinf(log(scalar(0)).item()));  // an infinity is no NaN
}

TEST_CASE("detect nan: the rule that first gave a NaN gradient") {
  const Tensor x = leaf({0, 0});
  const Tensor y = sqrt(sum(square(x))) * 2.0;  // d sqrt at 0 is infinite, times 0 from the square
  DetectNan guard;
  CHECK(message_of<AutogradError>([&] { y.backward(); }) ==
        "[square] the gradient of input 0 of shape [2] has a NaN, which the gradient of the output had not; the "
        "operation: square of shape [2] <- leaf of shape [2]");
  const Tensor z = norm(x);  // has a subgradient there
  z.backward();
  CHECK(x.grad().to_vector<double>() == std::vector<double>{0, 0});
}

TEST_CASE("detect nan: long trails are truncated") {
  Tensor x = leaf({1});
  for (int i = 0; i < 20; ++i) x = -x;
  CHECK(describe_origin(*node_of(x)) ==
        "neg of shape [1] <- neg <- neg <- neg <- neg <- neg <- neg <- neg <- neg <- ...");
}
