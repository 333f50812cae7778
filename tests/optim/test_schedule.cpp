// Learning rates by step: known points, PyTorch's schedules, refused settings.
#include <limits>

#include <doctest/doctest.h>

#include <ditharos/optim/schedule.h>
#include <ditharos/tensor/error.h>
#include "tests/support/golden.h"

using namespace ditharos;
using optim::Decay;
using optim::learning_rate;
using optim::Schedule;

TEST_CASE("schedule: warm-up, peak, decay and end") {
  const Schedule cosine{.lr = 2.0, .warmup_steps = 4, .decay = Decay::cosine, .total_steps = 14, .final_fraction = 0.1};
  CHECK(learning_rate(cosine, 0) == doctest::Approx(0.5));
  CHECK(learning_rate(cosine, 2) == doctest::Approx(1.5));
  CHECK(learning_rate(cosine, 3) == 2.0);
  CHECK(learning_rate(cosine, 4) == 2.0);
  CHECK(learning_rate(cosine, 9) == doctest::Approx(1.1));  // half-way between 2 and .2
  CHECK(learning_rate(cosine, 14) == doctest::Approx(0.2));
  CHECK(learning_rate(cosine, 1000000) == doctest::Approx(0.2));

  const Schedule linear{.lr = 1.0, .decay = Decay::linear, .total_steps = 4};
  for (int64_t step = 0; step < 5; ++step) CHECK(learning_rate(linear, step) == 1.0 - 0.25 * double(step));
  CHECK(learning_rate(linear, 3) > 0);  // the last step still learns

  const Schedule constant{.lr = 0.3, .warmup_steps = 2};
  CHECK(learning_rate(constant, 0) == 0.15);
  CHECK(learning_rate(constant, 1) == 0.3);
  CHECK(learning_rate(constant, 1000000000000) == 0.3);
}

TEST_CASE("schedule: the same as PyTorch's LinearLR, CosineAnnealingLR and ConstantLR behind a LinearLR") {
  const tests::Golden golden("optim.golden");
  for (const char* name : {"constant", "linear", "cosine"}) {
    CAPTURE(name);
    const Schedule schedule{0.7, 5, optim::decay_from_name(name), 40, 0.1};
    const std::vector<double> want = golden.at(std::string("schedule.") + name).to_vector<double>();
    REQUIRE(want.size() == 41);
    for (size_t step = 0; step < want.size(); ++step) {
      CHECK(learning_rate(schedule, int64_t(step)) == doctest::Approx(want[step]).epsilon(1e-6));
    }
  }
}

TEST_CASE("schedule: inverse_sqrt falls with the root of the step from the end of the warm-up, to a lowest rate") {
  const Schedule schedule{.lr = 2, .warmup_steps = 4, .decay = optim::decay_from_name("inverse_sqrt"),
                          .final_fraction = .1};
  CHECK(learning_rate(schedule, 0) == .5);
  CHECK(learning_rate(schedule, 3) == 2);  // the peak, where both formulas agree
  CHECK(learning_rate(schedule, 15) == doctest::Approx(1));
  CHECK(learning_rate(schedule, 63) == doctest::Approx(.5));
  CHECK(learning_rate(schedule, 1000000000) == doctest::Approx(.2));
  CHECK(learning_rate({.lr = 1, .decay = Decay::inverse_sqrt}, 0) == 1);
  CHECK(learning_rate({.lr = 1, .decay = Decay::inverse_sqrt}, 99) == doctest::Approx(.1));
}

TEST_CASE("schedule: refuses settings out of range") {
  const auto refused = [](const Schedule& s, int64_t step = 0) {
    CHECK_THROWS_AS(learning_rate(s, step), ConfigError);
  };
  refused({.lr = -1});
  refused({.lr = std::numeric_limits<double>::quiet_NaN()});
  refused({.warmup_steps = -1});
  refused({.decay = Decay::linear});
  refused({.warmup_steps = 10, .decay = Decay::cosine, .total_steps = 10});
  refused({.final_fraction = 1.5});
  refused({}, -1);
  CHECK_THROWS_WITH_AS(optim::decay_from_name("cosin"),
                       "[schedule] unknown decay \"cosin\"; choose constant, linear, cosine or inverse_sqrt",
                       ConfigError);
}
