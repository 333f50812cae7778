// Losses: shapes that would enlarge them, and means of nothing.
#include <cmath>

#include <doctest/doctest.h>

#include <ditharos/autograd/ops.h>
#include "tests/support/tensor_cases.h"

namespace ditharos {
namespace {

using tests::message_of;

}  // namespace

TEST_CASE("regression 33: pos_weight does not enlarge the binary cross entropy") {
  const Tensor x = zeros({2, 3}), target = full({2, 3}, .5);
  const auto loss = [&](const Tensor& weight) {
    return binary_cross_entropy_with_logits(x, target, weight, Reduction::none);
  };
  for (const Shape& shape : {Shape{}, Shape{3}, Shape{1}, Shape{2, 1}, Shape{1, 3}, Shape{2, 3}}) {
    CAPTURE(to_text(shape));
    CHECK(loss(full(shape, 3)).shape() == Shape{2, 3});
    CHECK(loss(full(shape, 3)).to_vector<float>()[5] == doctest::Approx(2 * std::log(2.0)));
  }
  for (const Shape& shape : {Shape{4, 2, 3}, Shape{1, 2, 3}, Shape{2}, Shape{0}, Shape{4, 1, 1}}) {
    CHECK(message_of<ShapeError>([&] { loss(ones(shape)); }) ==
          "[binary_cross_entropy_with_logits] pos_weight of shape " + to_text(shape) +
              " does not broadcast to the target's shape [2, 3]");
  }
  const Tensor one = zeros({1});  // a size of 1 in the target stretches no more than another
  CHECK(message_of<ShapeError>([&] { binary_cross_entropy_with_logits(one, one, ones({3})); }) ==
        "[binary_cross_entropy_with_logits] pos_weight of shape [3] does not broadcast to the target's shape [1]");
}

TEST_CASE("regression 33: the mean of an empty loss is refused by every loss, its sum is 0") {
  const Tensor x = zeros({0, 3}).set_requires_grad(), target = zeros({0, 3});
  using Loss = Tensor (*)(const Tensor&, const Tensor&, Reduction);
  struct Case {
    const char* name;
    Loss loss;
  };
  const Case cases[] = {
      {"mse_loss", [](const Tensor& a, const Tensor& b, Reduction r) { return mse_loss(a, b, r); }},
      {"l1_loss", [](const Tensor& a, const Tensor& b, Reduction r) { return l1_loss(a, b, r); }},
      {"huber_loss", [](const Tensor& a, const Tensor& b, Reduction r) { return huber_loss(a, b, 1, r); }},
      {"smooth_l1_loss", [](const Tensor& a, const Tensor& b, Reduction r) { return smooth_l1_loss(a, b, 1, r); }},
      {"binary_cross_entropy_with_logits",
       [](const Tensor& a, const Tensor& b, Reduction r) { return binary_cross_entropy_with_logits(a, b, {}, r); }},
      {"kl_div", [](const Tensor& a, const Tensor& b, Reduction r) { return kl_div(a, b, r); }},
  };
  for (const auto& [name, loss] : cases) {
    const std::string label = name;
    CAPTURE(label);
    CHECK(message_of<ShapeError>([&, &loss = loss] { loss(x, target, Reduction::mean); }) ==
          std::string("[") + name + "] a loss of shape [0, 3] has no elements, so there is no mean");
    CHECK(loss(x, target, Reduction::sum).item() == 0);
    CHECK(loss(x, target, Reduction::none).shape() == Shape{0, 3});
  }
  for (const char* name : {"cross_entropy", "nll_loss"}) {
    const auto loss = std::string(name) == "nll_loss" ? nll_loss : cross_entropy;
    CHECK(message_of<ShapeError>([&] { loss(x, zeros({0}, DType::i64), {}); }) ==
          std::string("[") + name + "] none of the 0 labels counts, so there is no mean");
  }
}

}  // namespace ditharos
