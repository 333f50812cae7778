// Comparison and mean of checkpoints.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include <ditharos/tensor/factory.h>
#include <ditharos/training/checkpoint/comparison.h>
#include <ditharos/training/checkpoint/weights.h>
#include "tests/support/checkpoint_states.h"
#include "tests/support/message_of.h"
#include "tests/support/page_text.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::tests;
using training::compare_checkpoints;

namespace {

training::TrainState with_weight(const std::vector<float>& values) {
  training::TrainState state;
  state.model = {{"w", from_vector(values)}};
  return state;
}

const training::TensorComparison& only(const training::CheckpointComparison& comparison) {
  REQUIRE(comparison.tensors.size() == 1);
  return comparison.tensors[0];
}

}  // namespace

TEST_CASE("checkpoint comparison: a checkpoint equals itself, every change of a setting or tensor is found") {
  const training::TrainState state = fixture_state();
  CHECK(compare_checkpoints(state, fixture_state()).equal());
  const auto changed = [&](const auto& change) {
    training::TrainState other = fixture_state();
    change(other);
    const training::CheckpointComparison comparison = compare_checkpoints(state, other);
    CHECK(!comparison.equal());
    return comparison.settings.empty() ? std::string() : comparison.settings[0].name;
  };
  CHECK(changed([](auto& s) { s.kind = "video"; }) == "kind");
  CHECK(changed([](auto& s) { ++s.step; }) == "step");
  CHECK(changed([](auto& s) { ++s.epoch; }) == "epoch");
  CHECK(changed([](auto& s) { ++s.position; }) == "position");
  CHECK(changed([](auto& s) { ++s.ema_updates; }) == "ema_updates");
  CHECK(changed([](auto& s) { ++s.random[0].offset; }) == "random stream noise");
  CHECK(changed([](auto& s) { s.metadata["note"] = ""; }) == "metadata note");
  CHECK(changed([](auto& s) { s.metadata["more"] = "x"; }) == "metadata more");
  CHECK(changed([](auto& s) { s.configuration = "[train]\nsteps = 200\n"; }) == "configuration: steps");
  CHECK(changed([](auto& s) { s.model[5].tensor = zeros({3}, DType::boolean); }) == "");
  CHECK(changed([](auto& s) { s.ema.clear(); }) == "");
  CHECK(changed([](auto& s) { s.optimizer[2].name = "count"; }) == "");
}

TEST_CASE("checkpoint comparison: numbers of elements, absolute and relative differences") {
  const auto compare = [](const std::vector<float>& a, const std::vector<float>& b) {
    return only(compare_checkpoints(with_weight(a), with_weight(b)));
  };
  const float nan = std::nanf(""), infinity = std::numeric_limits<float>::infinity();
  auto c = compare({1, 2, -4, 8}, {1, 2.5, -3, 8});
  CHECK(c.different == 2);
  CHECK(c.elements == 4);
  CHECK(c.max_absolute == 1);
  CHECK(c.max_relative == .25);
  c = compare({nan, 1}, {nan, 1});
  CHECK(c.equal());
  c = compare({nan, infinity}, {1, infinity});
  CHECK(c.different == 1);
  CHECK(std::isinf(c.max_absolute));
  c = compare({0, 5}, {-0.0F, 5});  // other bits, no distance
  CHECK(c.different == 1);
  CHECK(c.max_absolute == 0);
  CHECK(c.max_relative == 0);
  CHECK(compare({1}, {1, 2}).mismatch == "f32 [1] and f32 [2]");
  CHECK(only(compare_checkpoints(with_weight({1}), {})).mismatch == "only in the first");
  CHECK(only(compare_checkpoints({}, with_weight({1}))).mismatch == "only in the second");
}

TEST_CASE("checkpoint mean: floats in f64, other tensors must agree, and it needs checkpoints of one kind") {
  const TemporaryFolder folder;
  const auto save = [&](const char* name, const training::TrainState& state) {
    training::save_checkpoint(folder / name, state);
    return folder / name;
  };
  training::TrainState a = with_weight({1, 1e8F, 3}), b = with_weight({2, 1, 3});
  a.model.push_back({"table", from_vector<int64_t>({1, 2})});
  b.model.push_back({"table", from_vector<int64_t>({1, 2})});
  a.model.push_back({"half", full({2}, 1, DType::bf16)});
  b.model.push_back({"half", full({2}, 2, DType::bf16)});
  const std::string first = save("a", a), second = save("b", b);
  const training::TrainState mean = training::average_checkpoints({first, second});
  CHECK(mean.model[0].tensor.to_vector<float>() == std::vector<float>{1.5F, float(100000001.0 / 2), 3});
  CHECK(mean.model[1].tensor.to_vector<int64_t>() == std::vector<int64_t>{1, 2});
  CHECK(mean.model[2].tensor.dtype() == DType::bf16);
  CHECK(mean.model[2].tensor.to_vector<float>() == std::vector<float>{1.5F, 1.5F});
  b.model[1].tensor = from_vector<int64_t>({1, 3});
  const std::string other = save("c", b);
  CHECK(contains(message_of<ConfigError>([&] { training::average_checkpoints({first, other}); }),
                 "\"table\" of the model is i64 and differs"));
  CHECK_THROWS_AS(training::average_checkpoints({first}), ConfigError);
  CHECK_THROWS_AS(training::average_checkpoints({first, save("d", with_weight({1, 2, 3}))}), ShapeError);
}
