// Optimiser updates against the papers' formulas in double, step by step.
#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/optimizer/optimizer.h>
#include <ditharos/tensor/random.h>
#include <ditharos/tensor/view.h>
#include "tests/support/tensor_cases.h"

namespace ditharos::tests {
namespace {

using kernels::AdamStep;
using kernels::SgdStep;
using Numbers = std::vector<double>;

constexpr int steps = 6;

double worst(const Tensor& got, const Numbers& expected) {
  const Numbers g = got.to_vector<double>();
  REQUIRE(g.size() == expected.size());
  double worst = 0;
  for (size_t i = 0; i < g.size(); ++i) worst = std::max(worst, std::abs(g[i] - expected[i]));
  return worst;
}

void naive_adam(Numbers& p, const Numbers& grad, Numbers& m, Numbers& v, Numbers& ema, const AdamStep& s) {
  for (size_t i = 0; i < p.size(); ++i) {
    double g = grad[i] * s.grad_scale;
    if (!s.decoupled) g += s.weight_decay * p[i];
    m[i] = s.beta1 * m[i] + (1 - s.beta1) * g;
    v[i] = s.beta2 * v[i] + (1 - s.beta2) * g * g;
    const double m_hat = m[i] / (1 - std::pow(s.beta1, double(s.step))),
                 v_hat = v[i] / (1 - std::pow(s.beta2, double(s.step)));
    if (s.decoupled) p[i] -= s.lr * s.weight_decay * p[i];
    p[i] -= s.lr * m_hat / (std::sqrt(v_hat) + s.eps);
    ema[i] = s.ema_decay * ema[i] + (1 - s.ema_decay) * p[i];
  }
}

TEST_CASE("optimizer kernels: Adam and AdamW, with and without an average, at lengths around a block") {
  for_each_isa([] {
    for (DType dtype : {DType::f32, DType::f64})
      for (bool decoupled : {true, false})
        for (int64_t n : {0, 1, 15, 16, 17, 100, 20003}) {
          Generator numbers(uint64_t(n) + 1);
          const Tensor p = numbers.normal({n}, dtype), m = zeros({n}, dtype), v = zeros({n}, dtype);
          const Tensor ema = kernels::to(p, dtype), q = kernels::to(p, dtype), m2 = zeros({n}, dtype),
                       v2 = zeros({n}, dtype);
          Numbers ps = p.to_vector<double>(), ms(ps.size()), vs(ps.size()), es = ps;
          for (int step = 1; step <= steps; ++step) {
            const Tensor grad = numbers.normal({n}, dtype);
            const AdamStep s = {.lr = 0.01 * step,
                                .beta1 = 0.9,
                                .beta2 = 0.99,
                                .eps = 1e-8,
                                .weight_decay = 0.1,
                                .decoupled = decoupled,
                                .grad_scale = 0.5,
                                .step = step,
                                .ema_decay = 0.9};
            const uint64_t before = p.version();
            kernels::adam(p, grad, m, v, ema, s);
            CHECK(p.version() > before);
            kernels::adam(q, grad, m2, v2, Tensor(), s);
            naive_adam(ps, grad.to_vector<double>(), ms, vs, es, s);
          }
          const double tolerance = dtype == DType::f32 ? 1e-5 : 1e-14;
          CHECK(worst(p, ps) < tolerance);
          CHECK(worst(m, ms) < tolerance);
          CHECK(worst(v, vs) < tolerance);
          CHECK(worst(ema, es) < tolerance);
          CHECK(same_bits(p, q));  // the average changes nothing else
          CHECK(same_bits(v, v2));
        }
  });
}

TEST_CASE("optimizer kernels: SGD plain, with momentum and with Nesterov's") {
  for_each_isa([] {
    for (DType dtype : {DType::f32, DType::f64})
      for (double momentum : {0.0, 0.9})
        for (bool nesterov : {false, true})
          for (int64_t n : {1, 16, 29, 20003}) {
            if (nesterov && momentum == 0) continue;
            Generator numbers(uint64_t(n) + 2);
            const Tensor p = numbers.normal({n}, dtype), ema = kernels::to(p, dtype);
            const Tensor buffer = momentum ? full({n}, std::nan(""), dtype) : Tensor();  // the first step overwrites it
            Numbers ps = p.to_vector<double>(), bs(ps.size()), es = ps;
            for (int step = 1; step <= steps; ++step) {
              const Tensor grad = numbers.normal({n}, dtype);
              const Numbers gs = grad.to_vector<double>();
              const SgdStep s = {.lr = 0.05 * step,
                                 .momentum = momentum,
                                 .weight_decay = 0.02,
                                 .nesterov = nesterov,
                                 .grad_scale = 0.7,
                                 .first = step == 1,
                                 .ema_decay = 0.8};
              kernels::sgd(p, grad, buffer, ema, s);
              for (size_t i = 0; i < ps.size(); ++i) {
                const double g = gs[i] * s.grad_scale + s.weight_decay * ps[i];
                bs[i] = s.first ? g : momentum * bs[i] + g;
                ps[i] -= s.lr * (momentum == 0 ? g : nesterov ? g + momentum * bs[i] : bs[i]);
                es[i] = s.ema_decay * es[i] + (1 - s.ema_decay) * ps[i];
              }
            }
            const double tolerance = dtype == DType::f32 ? 1e-5 : 1e-14;
            CHECK(worst(p, ps) < tolerance);
            CHECK(worst(ema, es) < tolerance);
            if (momentum) CHECK(worst(buffer, bs) < tolerance);
          }
  });
}

TEST_CASE("optimizer kernels: AMSGrad, dampening, RMSprop and Adagrad") {
  for_each_isa([] {
    for (DType dtype : {DType::f32, DType::f64})
      for (int64_t n : {1, 16, 29, 20003}) {
        const double tolerance = dtype == DType::f32 ? 1e-5 : 1e-13;
        // Runs six steps of a kernel and of one element in double; `states` are the kernel's arrays, from zeros.
        const auto check_steps = [&](size_t count, const auto& kernel, const auto& element) {
          Generator numbers(uint64_t(n) + 5);
          const Tensor p = numbers.normal({n}, dtype), ema = kernels::to(p, dtype);
          std::vector<Tensor> states;
          for (size_t k = 0; k < count; ++k) states.push_back(zeros({n}, dtype));
          Numbers ps = p.to_vector<double>(), es = ps;
          std::vector<Numbers> xs(ps.size(), Numbers(count));
          for (int step = 1; step <= steps; ++step) {
            const Tensor grad = numbers.normal({n}, dtype);
            const Numbers gs = grad.to_vector<double>();
            kernel(p, grad, states, ema, step);
            for (size_t i = 0; i < ps.size(); ++i) {
              element(ps[i], gs[i] * .7 + .02 * ps[i], xs[i], step);
              es[i] = .8 * es[i] + .2 * ps[i];
            }
          }
          CHECK(worst(p, ps) < tolerance);
          CHECK(worst(ema, es) < tolerance);
          for (size_t k = 0; k < count; ++k) {
            Numbers expected;
            for (const Numbers& x : xs) expected.push_back(x[k]);
            CHECK(worst(states[k], expected) < tolerance);
          }
        };
        check_steps(
            3,
            [](auto& p, auto& g, auto& s, auto& ema, int step) {
              kernels::adam(p, g, s[0], s[1], ema,
                            {.lr = .1,
                             .beta1 = .5,
                             .beta2 = .6,
                             .eps = 1e-3,
                             .weight_decay = .02,
                             .decoupled = false,
                             .grad_scale = .7,
                             .step = step,
                             .ema_decay = .8},
                            s[2]);
            },
            [](double& p, double g, Numbers& s, int step) {
              s[0] = .5 * s[0] + .5 * g;
              s[1] = .6 * s[1] + .4 * g * g;
              s[2] = std::max(s[1], s[2]);
              p -= .1 * s[0] / (1 - std::pow(.5, step)) / (std::sqrt(s[2] / (1 - std::pow(.6, step))) + 1e-3);
            });
        check_steps(
            1,
            [](auto& p, auto& g, auto& s, auto& ema, int step) {
              kernels::sgd(p, g, s[0], ema,
                           {.lr = .1,
                            .momentum = .9,
                            .weight_decay = .02,
                            .nesterov = false,
                            .grad_scale = .7,
                            .first = step == 1,
                            .ema_decay = .8,
                            .dampening = .3});
            },
            [](double& p, double g, Numbers& s, int step) { p -= .1 * (s[0] = step == 1 ? g : .9 * s[0] + .7 * g); });
        for (const bool centered : {false, true})
          for (const double momentum : {0.0, .6})
            check_steps(
                3,
                [&](auto& p, auto& g, auto& s, auto& ema, int) {
                  kernels::rmsprop(p, g, s[0], centered ? s[1] : Tensor(), s[2], ema,
                                   {.lr = .1,
                                    .alpha = .8,
                                    .eps = .1,
                                    .momentum = momentum,
                                    .weight_decay = .02,
                                    .grad_scale = .7,
                                    .ema_decay = .8});
                },
                [&](double& p, double g, Numbers& s, int) {
                  s[0] = .8 * s[0] + .2 * g * g;
                  if (centered) s[1] = .8 * s[1] + .2 * g;
                  const double update = g / (std::sqrt(s[0] - s[1] * s[1]) + .1);
                  if (momentum > 0) s[2] = momentum * s[2] + update;
                  p -= .1 * (momentum > 0 ? s[2] : update);
                });
        check_steps(
            1,
            [](auto& p, auto& g, auto& s, auto& ema, int) {
              kernels::adagrad(p, g, s[0], ema,
                               {.lr = .1, .eps = .1, .weight_decay = .02, .grad_scale = .7, .ema_decay = .8});
            },
            [](double& p, double g, Numbers& s, int) { p -= .1 * g / (std::sqrt(s[0] += g * g) + .1); });
      }
  });
  // The mean of equal gradients leaves no variance, or less than none by rounding: the step stays finite.
  const Tensor p = zeros({64}), g = full({64}, 1.0 / 3), square = zeros({64}), mean = zeros({64});
  for (int step = 0; step < 200; ++step)
    kernels::rmsprop(
        p, g, square, mean, {}, {},
        {.lr = .01, .alpha = .9, .eps = 1e-3, .momentum = 0, .weight_decay = 0, .grad_scale = 1, .ema_decay = 0});
  for (const float x : p.to_vector<float>()) CHECK(std::isfinite(x));
}

TEST_CASE("optimizer kernels: an element's update does not depend on its position or the number of threads") {
  const int64_t n = 100003;
  const Tensor start = Generator(3).normal({n}), grad = Generator(4).normal({n});
  const AdamStep s = {.lr = 0.01,
                      .beta1 = 0.9,
                      .beta2 = 0.999,
                      .eps = 1e-8,
                      .weight_decay = 0.01,
                      .decoupled = true,
                      .grad_scale = 0.9,
                      .step = 3,
                      .ema_decay = 0.99};
  const auto run = [&](int64_t begin, int64_t end) {
    const auto part = [&](const Tensor& x) { return kernels::to(views::slice(x, 0, begin, end, 1), DType::f32); };
    const Tensor p = part(start), m = part(grad), v = kernels::to(full({end - begin}, 0.3), DType::f32),
                 ema = part(start);
    kernels::adam(p, part(grad), m, v, ema, s);
    return kernels::cat({p, m, v, ema}, 0);
  };
  for_each_isa([&] {
    const Tensor all = run(0, n);
    for_each_thread_count([&] { CHECK(same_bits(run(0, n), all)); });
    const Tensor piece = run(777, 777 + 45);
    for (int64_t k = 0; k < 4; ++k)
      CHECK(same_bits(views::slice(piece, 0, k * 45, k * 45 + 45, 1),
                      views::slice(all, 0, k * n + 777, k * n + 777 + 45, 1)));
  });
}

TEST_CASE("optimizer kernels: moving average alone") {
  const Tensor ema = from_vector<double>({1, 2, 3}), x = from_vector<double>({3, 2, 1});
  kernels::ema_update(ema, x, 0.75);
  CHECK(ema.to_vector<double>() == Numbers{1.5, 2, 2.5});
}

TEST_CASE("optimizer kernels: a gradient may have any layout, and is not changed") {
  const Tensor p = zeros({2, 3}), grad = views::permute(from_vector<float>({1, 2, 3, 4, 5, 6}, {3, 2}), {1, 0});
  kernels::sgd(
      p, grad, Tensor(), Tensor(),
      {.lr = 1, .momentum = 0, .weight_decay = 0, .nesterov = false, .grad_scale = 1, .first = true, .ema_decay = 0});
  CHECK(p.to_vector<double>() == Numbers{-1, -3, -5, -2, -4, -6});
  CHECK(grad.to_vector<double>() == Numbers{1, 3, 5, 2, 4, 6});
}

TEST_CASE("optimizer kernels: errors come before any change") {
  const Tensor p = ones({3}), g = ones({3}), m = zeros({3}), v = zeros({3});
  AdamStep s = {.lr = 0.1,
                .beta1 = 0.9,
                .beta2 = 0.99,
                .eps = 1e-8,
                .weight_decay = 0,
                .decoupled = true,
                .grad_scale = 1,
                .step = 1,
                .ema_decay = 0};
  CHECK(message_of<ShapeError>([&] { kernels::adam(p, ones({4}), m, v, Tensor(), s); }) ==
        "[adam] needs a gradient of shape [3]");
  CHECK(message_of<ShapeError>([&] { kernels::adam(p, Tensor(), m, v, Tensor(), s); }) ==
        "[adam] needs a gradient of shape [3]");
  CHECK(message_of<ShapeError>([&] { kernels::adam(p, g, m, Tensor(), Tensor(), s); }) ==
        "[adam] the second moment is undefined");
  CHECK(message_of<ShapeError>([&] { kernels::adam(p, g, views::slice(zeros({6}), 0, 0, 6, 2), v, Tensor(), s); }) ==
        "[adam] the first moment of shape [3] must be contiguous and of the parameter's shape [3]");
  CHECK(message_of<DTypeError>([&] { kernels::adam(p, g, m, v, zeros({3}, DType::f64), s); }) ==
        "[adam] the moving average holds f64, the parameter f32");
  CHECK(message_of<DTypeError>([&] { kernels::adam(p, zeros({3}, DType::f64), m, v, Tensor(), s); }) ==
        "[adam] gradient of f64 for a parameter of f32");
  s.step = 0;
  CHECK(message_of<ConfigError>([&] { kernels::adam(p, g, m, v, Tensor(), s); }) == "[adam] steps count from 1, got 0");
  CHECK(message_of<ShapeError>([&] {
          kernels::sgd(p, g, Tensor(), Tensor(),
                       {.lr = 1,
                        .momentum = 0.9,
                        .weight_decay = 0,
                        .nesterov = false,
                        .grad_scale = 1,
                        .first = true,
                        .ema_decay = 0});
        }) == "[sgd] the momentum buffer is undefined");
  CHECK(p.to_vector<double>() == Numbers{1, 1, 1});
  CHECK(m.to_vector<double>() == Numbers{0, 0, 0});
  CHECK(message_of<ShapeError>([&] { kernels::ema_update(zeros({2}), p, 0.5); }) ==
        "[ema_update] the moving average of shape [2] must be contiguous and of the parameter's shape [3]");
}

}  // namespace
}  // namespace ditharos::tests
