// Linear algebra beyond the rows of the op table: conditions, refusals, threads; and draws by weight.
#include <doctest/doctest.h>

#include <cmath>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/linalg/linalg.h>
#include <ditharos/tensor/random.h>
#include "tests/support/tensor_cases.h"

using namespace ditharos;
using tests::message_of;

namespace {
Tensor transposed(const Tensor& x) { return transpose(x, -2, -1); }
/// Hilbert's matrix, whose condition grows like e^(3.5 n).
Tensor hilbert(int64_t n) { return 1 / (unsqueeze(arange(n, DType::f64), 1) + arange(n, DType::f64) + 1); }
}  // namespace

TEST_CASE("linalg: without LAPACK the message says what to install") {
  if (kernels::has_lapack()) return;
  CHECK(message_of<ConfigError>([] { linalg::inv(eye(2)); }) ==
        "[linalg.inv] needs LAPACK, which this build lacks; install liblapacke-dev and configure again");
}

TEST_CASE("linalg: residuals stay small for badly conditioned matrices") {
  if (!kernels::has_lapack()) return;
  const Tensor a = hilbert(10), b = ones({10, 1}, DType::f64);
  CHECK(max(abs(matmul(a, linalg::solve(a, b)) - b)).item() < 1e-3);
  const linalg::SVD svd = linalg::svd(a);
  CHECK(max(abs(matmul(svd.U * svd.S, svd.Vh) - a)).item() < 1e-14);
  CHECK(svd.S[9].item() == doctest::Approx(1.0931e-13).epsilon(1e-3));
  const linalg::QR qr = linalg::qr(a);
  CHECK(max(abs(matmul(transposed(qr.Q), qr.Q) - eye(10, DType::f64))).item() < 1e-14);
  CHECK(linalg::slogdet(a).logabsdet.item() == doctest::Approx(std::log(2.164179226431e-53)).epsilon(1e-3));
}

TEST_CASE("linalg: a pseudo-inverse leaves small singular values out") {
  if (!kernels::has_lapack()) return;
  const Tensor a = from_vector<double>({1, 2, 2, 4, 3, 6}, {3, 2});  // of rank 1
  const Tensor p = linalg::pinv(a);
  CHECK(allclose(matmul(a, matmul(p, a)), a, 1e-12));
  CHECK(allclose(matmul(p, matmul(a, p)), p, 1e-12));
}

TEST_CASE("linalg: the gradient of a determinant exists for singular matrices") {
  if (!kernels::has_lapack()) return;
  const Tensor a = from_vector<double>({1, 2, 2, 4}, {2, 2}).set_requires_grad();
  linalg::det(a).backward();
  CHECK(allclose(a.grad(), from_vector<double>({4, -2, -2, 1}, {2, 2}), 1e-12, 1e-12));
}

TEST_CASE("linalg: batches have the bits of one matrix at a time, at every number of threads") {
  if (!kernels::has_lapack()) return;
  Generator rng(3);
  const Tensor a = rng.normal({17, 6, 6}) + eye(6) * 5, b = rng.normal({17, 6, 2});
  const auto run = [&] {
    const linalg::SVD svd = linalg::svd(a);
    const linalg::Eigh eigh = linalg::eigh(matmul(a, transposed(a)));
    return std::vector<Tensor>{linalg::solve(a, b),
                               linalg::cholesky(matmul(a, transposed(a))),
                               svd.U,
                               svd.S,
                               svd.Vh,
                               linalg::qr(a).Q,
                               linalg::qr(a).R,
                               eigh.L,
                               eigh.Q,
                               linalg::det(a)};
  };
  const std::vector<Tensor> first = run();
  CHECK(tests::same_bits(contiguous(first[0][4]), linalg::solve(a[4], b[4])));
  tests::for_each_thread_count([&] {
    const std::vector<Tensor> again = run();
    for (size_t i = 0; i < first.size(); ++i) CHECK(tests::same_bits(again[i], first[i]));
  });
}

TEST_CASE("multinomial: frequencies follow the weights, and zeros are never drawn") {
  Generator rng(4);
  const Tensor weights = from_vector<float>({1, 0, 3, 4});
  const Tensor counts = bincount(multinomial(weights, 40000, true, rng), {}, 4);
  CHECK(counts[1].item() == 0);
  for (int i : {0, 2, 3})
    CHECK(std::abs(counts[i].item() / 40000 - weights[i].item() / 8) < .01);  // four standard deviations
  // Without replacement: the first draw has the weights' probabilities, and no index comes twice.
  const Tensor rows = multinomial(expand(weights, {20000, 4}), 3, false, rng);
  CHECK(rows.shape() == Shape{20000, 3});
  CHECK(count_nonzero(rows == 1).item() == 0);
  CHECK(allclose(sum(rows, 1), full({20000}, 5, DType::i64)));
  CHECK(std::abs(count_nonzero(select(rows, 1, 0) == 3).item() / 20000 - .5) < .015);
  Generator one(5), two(5);
  CHECK(tests::same_bits(multinomial(weights, 9, true, one), multinomial(weights, 9, true, two)));
  CHECK(message_of<ConfigError>([&] { multinomial(from_vector<float>({1, -1}), 1, true, rng); }) ==
        "[multinomial] weights must be finite and at least 0");
  CHECK(message_of<ConfigError>([&] { multinomial(zeros({2}), 1, true, rng); }) ==
        "[multinomial] the weights of a row are all 0");
}
