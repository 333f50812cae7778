// Models whose values are all loaded: construction without initial values, and tensors that are taken, not copied.
#include <doctest/doctest.h>

#include <ditharos/nn/linear.h>
#include <ditharos/nn/state_dict.h>
#include <ditharos/tensor/factory.h>

using namespace ditharos;

namespace {

struct Pair : nn::Module<Pair> {
  explicit Pair(Generator& rng) : fc1(2, 2, rng), fc2(2, 2, rng) {}
  nn::Linear fc1, fc2;
  void visit(nn::Visitor& v) override { v("fc1", fc1), v("fc2", fc2); }
};

Tensor given(double value) { return full({2, 2}, value); }

}  // namespace

TEST_CASE("load_state_dict with assign: parameters are the given tensors where they can be") {
  Generator rng(1);
  Pair pair(rng);
  nn::set_requires_grad(pair.fc2, false);
  const nn::NamedTensors state{{"fc1.weight", given(1)},
                               {"fc1.bias", full({2}, 2, DType::f64)},
                               {"fc2.weight", transpose(given(4), 0, 1)},
                               {"fc2.bias", given(5)}};
  nn::NamedTensors right = state;
  right[3].tensor = full({2}, 5);
  const auto weight_before = pair.fc1.weight.storage();
  CHECK_THROWS_AS(nn::load_state_dict(pair, state, {.assign = true}), ShapeError);
  CHECK(pair.fc1.weight.storage() == weight_before);  // nothing changed

  const nn::LoadReport report = nn::load_state_dict(pair, right, {.assign = true});
  CHECK(report.converted.size() == 1);
  CHECK(pair.fc1.weight.storage() == right[0].tensor.storage());
  CHECK(pair.fc1.bias.dtype() == DType::f32);  // converted, so copied
  CHECK(pair.fc1.bias.to_vector<float>() == std::vector<float>{2, 2});
  CHECK(pair.fc2.weight.storage() != right[2].tensor.storage());  // not contiguous
  CHECK(pair.fc2.weight.to_vector<float>() == std::vector<float>{4, 4, 4, 4});
  CHECK(pair.fc2.bias.storage() == right[3].tensor.storage());
  CHECK(pair.fc1.weight.requires_grad());
  CHECK_FALSE(pair.fc2.bias.requires_grad());
}

TEST_CASE("load_state_dict with assign: tensors of one storage become independent parameters, tied ones stay tied") {
  Generator rng(1);
  Pair pair(rng);
  const Tensor one = given(1);
  nn::load_state_dict(pair, {{"fc1.weight", one}, {"fc2.weight", one}}, {.strict = false, .assign = true});
  CHECK(pair.fc1.weight.storage() != pair.fc2.weight.storage());
  CHECK(pair.fc2.weight.to_vector<float>() == std::vector<float>{1, 1, 1, 1});

  Pair tied(rng);
  tied.fc2.weight = tied.fc1.weight.handle();
  nn::load_state_dict(tied, {{"fc1.weight", given(6)}, {"fc2.weight", given(6)}}, {.strict = false, .assign = true});
  CHECK(tied.fc1.weight.impl() == tied.fc2.weight.impl());
  CHECK(tied.fc2.weight.to_vector<float>() == std::vector<float>{6, 6, 6, 6});
}

TEST_CASE("SkipInit: nothing is drawn in its scope, and all is drawn after it") {
  Generator rng(1), untouched(1);
  {
    const nn::SkipInit outer;
    {
      const nn::SkipInit inner;
    }
    const nn::Linear layer(3, 2, rng);
    CHECK(layer.weight.shape() == Shape{2, 3});
    CHECK(layer.weight.requires_grad());
    CHECK(nn::init::normal({2}, 1, rng).shape() == Shape{2});
    CHECK(nn::init::fan_in_uniform({2}, {2, 3}, rng).shape() == Shape{2});
    CHECK(nn::init::zeros({2}).shape() == Shape{2});
    CHECK(rng.offset() == 0);
  }
  const nn::Linear drawn(3, 2, rng), expected(3, 2, untouched);
  CHECK(drawn.weight.to_vector<float>() == expected.weight.to_vector<float>());
}
