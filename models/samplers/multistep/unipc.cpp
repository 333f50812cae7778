#include <ditharos/models/samplers/multistep/unipc.h>

#include <algorithm>
#include <cmath>

#include <ditharos/autograd/ops.h>
#include <ditharos/nn/inference.h>

namespace ditharos::models {
namespace {

constexpr int64_t greatest_order = 3;

/// The solution of a x = b by elimination with pivots.
std::vector<double> solve(std::vector<std::vector<double>> a, std::vector<double> b) {
  const size_t n = b.size();
  for (size_t column = 0; column < n; ++column) {
    size_t pivot = column;
    for (size_t row = column + 1; row < n; ++row)
      if (std::abs(a[row][column]) > std::abs(a[pivot][column])) pivot = row;
    std::swap(a[pivot], a[column]);
    std::swap(b[pivot], b[column]);
    for (size_t row = column + 1; row < n; ++row) {
      const double factor = a[row][column] / a[column][column];
      for (size_t k = column; k < n; ++k) a[row][k] -= factor * a[column][k];
      b[row] -= factor * b[column];
    }
  }
  for (size_t row = n; row-- > 0;) {
    for (size_t k = row + 1; k < n; ++k) b[row] -= a[row][k] * b[k];
    b[row] /= a[row][row];
  }
  return b;
}

/// The weights of the differences at `positions`, in units of the step: those for which the integral of every
/// polynomial up to their number is exact (Zhao et al. 2023, equation 5; with predictions of the data the step enters
/// with its sign changed). Of a single difference it is 1/2, to which the solution tends with the step.
std::vector<double> difference_weights(const std::vector<double>& positions, double h, double scale) {
  if (positions.size() == 1) return {.5};
  std::vector<std::vector<double>> rows;
  std::vector<double> wanted;
  double phi = std::expm1(-h) / -h - 1, factorial = 1;
  for (size_t i = 0; i < positions.size(); ++i) {
    std::vector<double> row;
    for (const double r : positions) row.push_back(std::pow(r, double(i)));
    rows.push_back(row);
    wanted.push_back(phi * factorial / scale);
    factorial *= double(i + 2);
    phi = phi / -h - 1 / factorial;
  }
  return solve(rows, wanted);
}

}  // namespace

const char* name_of(UniPcVariant variant) { return variant == UniPcVariant::bh1 ? "bh1" : "bh2"; }

void UniPcOptions::validate() const {
  check<ConfigError>(order >= 1 && order <= greatest_order, "the order of UniPC must be 1 to ", greatest_order,
                     ", got ", order);
}

UniPc::UniPc(std::vector<PathPoint> points, const UniPcOptions& options)
    : points_(std::move(points)), options_(options) {
  options.validate();
  check_solver_points("UniPc", points_);
}

Tensor UniPc::advance(const Tensor& x, const PathPoint& from, const PathPoint& to, int64_t order,
                      const Tensor& at_end) const {
  const double h = half_log_snr(to) - half_log_snr(from);
  const Tensor& data = history_[0].data;
  const Tensor next = x * (to.sigma / from.sigma) - data * (to.alpha * std::expm1(-h));
  std::vector<double> positions;
  std::vector<Tensor> differences;
  for (size_t i = 1; i < size_t(order); ++i) {
    positions.push_back((history_[i].lambda - history_[0].lambda) / h);
    differences.push_back((history_[i].data - data) * (1 / positions.back()));
  }
  if (at_end.defined()) {
    positions.push_back(1);
    differences.push_back(at_end - data);
  }
  if (positions.empty()) return next;
  const double scale = options_.variant == UniPcVariant::bh1 ? -h : std::expm1(-h);
  const std::vector<double> weights = difference_weights(positions, h, scale);
  Tensor sum = differences[0] * weights[0];
  for (size_t i = 1; i < weights.size(); ++i) sum = sum + differences[i] * weights[i];
  return next - sum * (to.alpha * scale);
}

int64_t UniPc::next_order() const {
  const double h = half_log_snr(points_[index_ + 1]) - half_log_snr(points_[index_]);
  if (!std::isfinite(h)) return 1;
  int64_t order = std::min(options_.order, int64_t(history_.size()));
  if (options_.lower_order_final) order = std::min(order, steps() - int64_t(index_));
  return order;
}

UniPc::Step UniPc::step(const Tensor& x, const Tensor& data) {
  check<Error>(int64_t(index_) < steps(), "[UniPc] all ", steps(), " steps are taken");
  check_shape_of_x("UniPc", "the predicted data", data, x);
  const nn::InferenceMode inference;
  Step result{.next = {}, .corrected = x};
  if (last_order_ > 0) result.corrected = advance(last_x_, points_[index_ - 1], points_[index_], last_order_, data);
  // Pure noise, whose lambda is infinite, is no support of a polynomial.
  const double lambda = half_log_snr(points_[index_]);
  if (index_ > 0 && !std::isfinite(history_[0].lambda)) history_.clear();
  history_.insert(history_.begin(), {lambda, data});
  if (history_.size() > size_t(options_.order)) history_.pop_back();
  const int64_t order = next_order();
  result.next = advance(result.corrected, points_[index_], points_[index_ + 1], order, {});
  last_x_ = result.corrected;
  last_order_ = std::isfinite(lambda) ? order : 0;
  ++index_;
  return result;
}

}  // namespace ditharos::models
