// Large and tiny numbers: sums of squares must not overflow or vanish where the result does not.
#include <cmath>
#include <functional>
#include <vector>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/ops.h>
#include <doctest/doctest.h>
#include "tests/support/tensor_cases.h"

namespace ditharos::test_scales {

namespace {

using Values = std::vector<double>;
using Function = std::function<Tensor(const Tensor&)>;

Tensor pair(double size, DType dtype) { return to(from_vector<double>({size, -size}), dtype); }
double largest_scale(DType dtype) { return dtype == DType::f32 ? 1e25 : 1e200; }

void check_near(const Values& got, const Values& want) {
  REQUIRE(got.size() == want.size());
  for (size_t i = 0; i < got.size(); ++i) {
    CAPTURE(i);
    CAPTURE(got[i]);
    CHECK(std::abs(got[i] - want[i]) <= 1e-5 * std::abs(want[i]));
  }
}

template <class F>
void everywhere(const F& f) {
  tests::for_each_isa([&] {
    for (DType dtype : {DType::f32, DType::f64}) {
      CAPTURE(name_of(dtype));
      f(dtype);
    }
  });
}

struct Norm {
  const char* name;
  Function of;
};

std::vector<Norm> norms() {
  const auto as = [](const Shape& shape) { return [shape](const Tensor& x) { return reshape(x, shape); }; };
  const auto rows = as({1, -1}), channels = as({-1, 1}), tokens = as({1, 1, -1});
  return {{"rms_norm", [](const Tensor& x) { return rms_norm(x); }},
          {"layer_norm", [](const Tensor& x) { return layer_norm(x); }},
          {"layer_norm_modulate",
           [=](const Tensor& x) {
             const Tensor none = zeros({1, x.numel()}, x.dtype());
             return layer_norm_modulate(tokens(x), none, none);
           }},
          {"group_norm", [=](const Tensor& x) { return group_norm(rows(x), 1); }},
          {"group_norm of one channel", [=](const Tensor& x) { return group_norm(tokens(x), 1); }},
          {"batch_norm", [=](const Tensor& x) { return batch_norm(channels(x), {}, {}, {}, {}, true); }}};
}

}  // namespace

TEST_CASE("regression 23: norms of [1e25, -1e25] are [1, -1], as those of [1, -1] are") {
  everywhere([](DType dtype) {
    for (const Norm& norm : norms()) {
      CAPTURE(norm.name);
      for (double size : {1e10, largest_scale(dtype)}) {
        const Tensor x = pair(size, dtype).set_requires_grad();
        check_near(norm.of(x).to_vector<double>(), {1, -1});
        // Without a mean the gradient is (w - xhat mean(w xhat)) / size; with one, nothing is left of it.
        const Tensor w = reshape(to(from_vector<double>({3, 1}), dtype), norm.of(x).shape());
        for (bool create_graph : {false, true}) {
          const Values g = grad(norm.of(x), x, w, {.create_graph = create_graph}).to_vector<double>();
          if (norm.name == std::string("rms_norm")) check_near(g, {2 / size, 2 / size});
          else
            for (double v : g) CHECK(std::abs(v) * size < 1e-5);
        }
      }
      // Beside a row of usual size.
      if (norm.name != std::string("rms_norm") && norm.name != std::string("layer_norm")) continue;
      const Tensor both = to(from_vector<double>({2, -2, largest_scale(dtype), -largest_scale(dtype)}, {2, 2}), dtype);
      check_near(norm.of(both).to_vector<double>(), {1, -1, 1, -1});
      check_near(norm.of(both.slice(0, 0, 1)).to_vector<double>(), {1, -1});
    }
  });
}

TEST_CASE("regression 23: the norm and the standard deviation of large and tiny numbers have their size") {
  everywhere([](DType dtype) {
    const double tiny = dtype == DType::f32 ? 1e-25 : 1e-200;
    for (double size : {largest_scale(dtype), tiny}) {
      CAPTURE(size);
      const Tensor x = pair(size, dtype).set_requires_grad();
      for (double p : {.5, 1., 2., 3.}) {
        CAPTURE(p);
        check_near({norm(x, p).item()}, {size * std::pow(2, 1 / p)});
        const double share = std::pow(2, (1 - p) / p);  // (|x| / norm)^(p - 1)
        check_near(grad(norm(x, p), x).to_vector<double>(), {share, -share});
      }
      check_near({standard_deviation(x).item()}, {size});
      check_near(grad(standard_deviation(x), x).to_vector<double>(), {.5, -.5});
      check_near({standard_deviation(x, {}, false, 1).item()}, {size * std::sqrt(2)});
    }
    // A row's result does not depend on the rows beside it.
    const Tensor usual = to(from_vector<double>({.1, .7, .3}), dtype), huge = usual * largest_scale(dtype);
    CHECK(norm(stack({usual, huge}, 0), 2, {-1}).to_vector<double>()[0] == norm(usual).item());
    CHECK(norm(zeros({3}, dtype)).item() == 0);
  });
}

}  // namespace ditharos::test_scales
