// The energy distance against sums written out, and its properties.
#include <cmath>

#include <doctest/doctest.h>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/evaluation/energy_distance.h>
#include <ditharos/tensor/error.h>
#include <ditharos/tensor/random.h>
#include "tests/support/message_of.h"

using namespace ditharos;
using ditharos::models::energy_distance;

TEST_CASE("energy distance: of points on a line, written out") {
  // E|x - y| = (3 + 5 + 1 + 3) / 4, E|x - x'| = 2 / 2, E|y - y'| = 2 / 2
  const Tensor x = from_vector<double>({0, 2}, {2, 1}), y = from_vector<double>({3, 5}, {2, 1});
  CHECK(energy_distance(x, y) == doctest::Approx(2 * 3 - 1 - 1));
  CHECK(energy_distance(x, x) == 0);
  // One point and two: E|x - y| = 5, E|y - y'| = 10 / 2
  CHECK(energy_distance(zeros({1, 2}), from_vector<float>({3, 4, -3, -4}, {2, 2})) == doctest::Approx(5));
}

TEST_CASE("energy distance: small for one distribution, and growing with what tells two apart") {
  Generator rng(1);
  const Tensor x = rng.normal({400, 3}), same = rng.normal({400, 3});
  const double least = energy_distance(x, same);
  CHECK(least > 0);
  CHECK(least < .05);
  CHECK(energy_distance(x, same + .5) > 2 * least);
  CHECK(energy_distance(x, same + 1.0) > 2 * energy_distance(x, same + .5));
  CHECK(energy_distance(x, 2.0 * same) > 2 * least);
  CHECK(energy_distance(x, same) == doctest::Approx(energy_distance(same, x)).epsilon(1e-6));
}

TEST_CASE("energy distance: records nothing, and says what does not fit") {
  const Tensor weights = ones({4, 2}).set_requires_grad();
  CHECK(energy_distance(weights, zeros({4, 2})) == doctest::Approx(2 * std::sqrt(2.0)));
  const auto message = [](const Tensor& x, const Tensor& y) {
    return tests::message_of<ShapeError>([&] { static_cast<void>(energy_distance(x, y)); });
  };
  CHECK(message(zeros({4, 2}), zeros({4, 3})) ==
        "[energy_distance] needs points [N, D] and [M, D], got [4, 2] and [4, 3]");
  CHECK(message(zeros({4}), zeros({4})) == "[energy_distance] needs points [N, D] and [M, D], got [4] and [4]");
  CHECK(message(zeros({0, 2}), zeros({4, 2})) ==
        "[energy_distance] needs points [N, D] and [M, D], got [0, 2] and [4, 2]");
}
