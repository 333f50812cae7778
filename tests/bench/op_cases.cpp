// Single operations as a user calls them, at everyday sizes: those that were once slow beside PyTorch, and recurrent
// networks. compare_pytorch.py --cases op/ runs them beside PyTorch's.
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/nn/recurrent/recurrent.h>
#include "tests/bench/bench.h"

namespace ditharos::bench {
namespace {

using Operation = std::function<Tensor(const Tensor&)>;

void add_forward(std::vector<Case>& cases, const std::string& name, const Shape& shape, const Operation& f) {
  cases.push_back({"op/" + name + "/forward", [=] {
                     return Work{.run = [=, x = random(shape)] {
                       const NoGrad guard;
                       f(x);
                     }};
                   }});
}

void add_both(std::vector<Case>& cases, const std::string& name, const Shape& shape, const Operation& f) {
  add_forward(cases, name, shape, f);
  cases.push_back({"op/" + name + "/forward_and_backward", [=] {
                     return Work{.run = [=, x = random(shape).set_requires_grad()] {
                       x.set_grad({});
                       sum(f(x)).backward();
                     }};
                   }});
}

}  // namespace

void add_op_cases(std::vector<Case>& cases) {
  const Shape square{1024, 1024}, images{32, 64, 32, 32};
  const Tensor rows = Generator(2).randint(0, 1024, {1024}), places = Generator(3).randint(0, 1024, square);
  const auto rng = std::make_shared<Generator>(1);
  add_forward(cases, "normal", square, [rng](const Tensor& x) { return rng->normal(x.shape()); });
  add_forward(cases, "uniform", square, [rng](const Tensor& x) { return rng->uniform(x.shape()); });
  add_forward(cases, "flip", square, [](const Tensor& x) { return flip(x, {1}); });
  add_both(cases, "pow_3", square, [](const Tensor& x) { return pow(x, 3); });
  add_both(cases, "sin", square, [](const Tensor& x) { return sin(x); });
  add_both(cases, "amax_axis_0", square, [](const Tensor& x) { return amax(x, 0); });
  add_both(cases, "cumsum", square, [](const Tensor& x) { return cumsum(x, 1); });
  add_both(cases, "dropout", square, [rng](const Tensor& x) { return dropout(x, .1, *rng); });
  add_both(cases, "gather", square, [places](const Tensor& x) { return gather(x, 1, places); });
  add_both(cases, "index_select_axis_1", square, [rows](const Tensor& x) { return index_select(x, 1, rows); });
  add_both(cases, "matrix_by_vector", square, [v = random({1024, 1})](const Tensor& x) { return matmul(x, v); });
  add_both(cases, "small_bmm", {512, 16, 16}, [](const Tensor& x) { return bmm(x, x); });
  add_both(cases, "pad_reflect", images, [](const Tensor& x) { return pad(x, {1, 1, 1, 1}, PadMode::reflect); });
  add_both(cases, "softmax_channels", images, [](const Tensor& x) { return softmax(x, 1); });
  add_both(cases, "unfold", {8, 64, 32, 32}, [](const Tensor& x) { return unfold(x, 3, 1, 1); });

  Generator weights(1);
  const nn::RecurrentOptions options{.batch_first = true};
  const auto lstm = std::make_shared<const nn::LSTM>(128, 256, options, weights);
  const auto gru = std::make_shared<const nn::GRU>(128, 256, options, weights);
  add_both(cases, "lstm", {32, 50, 128}, [lstm](const Tensor& x) { return (*lstm)(x).output; });
  add_both(cases, "gru", {32, 50, 128}, [gru](const Tensor& x) { return (*gru)(x).output; });
}

}  // namespace ditharos::bench
