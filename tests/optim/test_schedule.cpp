// Learning rates by step: known points, PyTorch's schedules, refused settings.
#include <cmath>
#include <limits>

#include <doctest/doctest.h>

#include <ditharos/optim/reduce_on_plateau.h>
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

TEST_CASE("schedule: the same as PyTorch's schedulers of these names behind a warm-up") {
  const tests::Golden golden("optim.golden");
  const std::pair<const char*, Schedule> rows[] = {
      {"step", {.decay = Decay::step, .gamma = .5, .period = 7}},
      {"multi_step", {.decay = Decay::multi_step, .gamma = .3, .milestones = {3, 4, 20}}},
      {"exponential", {.decay = Decay::exponential, .gamma = .9}},
      {"cosine_restarts", {.decay = Decay::cosine_restarts, .final_fraction = .1, .period = 6, .period_factor = 2}},
      {"cosine_cycles", {.decay = Decay::cosine_restarts, .final_fraction = .1, .period = 8}},
      {"one_cycle", {.decay = Decay::one_cycle, .total_steps = 40}},
      {"one_cycle_linear",
       {.decay = Decay::one_cycle,
        .total_steps = 40,
        .pct_start = .4,
        .div_factor = 10,
        .final_div_factor = 100,
        .linear_cycle = true}},
  };
  for (const auto& [name, row] : rows) {
    const std::string shown = name;
    CAPTURE(shown);
    Schedule schedule = row;
    schedule.lr = .7;
    schedule.warmup_steps = schedule.decay == Decay::one_cycle ? 0 : 5;
    const std::vector<double> want = golden.at("schedule." + shown).to_vector<double>();
    REQUIRE(want.size() >= 40);
    for (size_t step = 0; step < want.size(); ++step) {
      CAPTURE(step);
      CHECK(learning_rate(schedule, int64_t(step)) == doctest::Approx(want[step]).epsilon(1e-6));
    }
    CHECK(std::isfinite(learning_rate(schedule, int64_t{1} << 62)));
  }
}

TEST_CASE("ReduceOnPlateau: the same as PyTorch's ReduceLROnPlateau, and after its state was loaded") {
  const tests::Golden golden("optim.golden");
  const std::vector<double> metrics = golden.at("plateau.metrics").to_vector<double>();
  const std::pair<const char*, optim::PlateauOptions> rows[] = {
      {"default", {.lr = .7, .patience = 2}},
      {"cooldown", {.lr = .7, .factor = .5, .patience = 1, .threshold = .05, .cooldown = 3, .min_lr = .1}},
      {"max", {.lr = .7, .maximize = true, .factor = .7, .patience = 3, .threshold = .01, .absolute = true}},
      {"min", {.lr = .7, .factor = .7, .patience = 0, .threshold = .01, .absolute = true, .eps = .01}},
  };
  for (const auto& [name, options] : rows) {
    const std::string shown = name;
    CAPTURE(shown);
    const std::vector<double> want = golden.at("plateau." + shown).to_vector<double>();
    REQUIRE(want.size() == metrics.size());
    optim::ReduceOnPlateau plateau(options);
    CHECK(plateau.lr() == .7);
    for (size_t i = 0; i < metrics.size(); ++i) {
      CAPTURE(i);
      plateau.step(metrics[i]);
      CHECK(plateau.lr() == doctest::Approx(want[i]).epsilon(1e-6));
      optim::ReduceOnPlateau other(options);
      other.load_state(plateau.state());
      CHECK(other.state() == plateau.state());
      if (i == metrics.size() / 2) plateau = other;
    }
  }
  optim::ReduceOnPlateau plateau({.lr = 1, .patience = 1});
  plateau.step(NAN);
  plateau.step(NAN);
  CHECK(plateau.lr() == doctest::Approx(.1));
  const optim::PlateauState before = plateau.state();
  CHECK_THROWS_AS(plateau.load_state({.lr = -1, .best = 1}), ConfigError);
  CHECK_THROWS_AS(plateau.load_state({.lr = 1, .best = NAN}), ConfigError);
  CHECK_THROWS_AS(plateau.load_state({.lr = 1, .best = 1, .bad = -1}), ConfigError);
  CHECK(plateau.state() == before);
  CHECK_THROWS_AS(optim::ReduceOnPlateau({.factor = 1}), ConfigError);
  CHECK_THROWS_AS(optim::ReduceOnPlateau({.patience = -1}), ConfigError);
  CHECK_THROWS_AS(optim::ReduceOnPlateau({.lr = NAN}), ConfigError);
}

TEST_CASE("schedule: inverse_sqrt falls with the root of the step from the end of the warm-up, to a lowest rate") {
  const Schedule schedule{
      .lr = 2, .warmup_steps = 4, .decay = optim::decay_from_name("inverse_sqrt"), .final_fraction = .1};
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
  refused({.gamma = 0});
  refused({.decay = Decay::step});
  refused({.decay = Decay::cosine_restarts, .period = 0});
  refused({.decay = Decay::cosine_restarts, .period = 1, .period_factor = 0});
  refused({.decay = Decay::multi_step, .milestones = {4, 3}});
  refused({.decay = Decay::multi_step, .milestones = {-1}});
  refused({.decay = Decay::one_cycle});
  refused({.warmup_steps = 1, .decay = Decay::one_cycle, .total_steps = 10});
  refused({.decay = Decay::one_cycle, .total_steps = 10, .pct_start = 1.1});
  refused({.decay = Decay::one_cycle, .total_steps = 10, .div_factor = 0});
  CHECK_THROWS_WITH_AS(optim::decay_from_name("cosin"),
                       "[schedule] unknown decay \"cosin\"; choose constant, linear, cosine, inverse_sqrt, step, "
                       "multi_step, exponential, cosine_restarts or one_cycle",
                       ConfigError);
}
