#pragma once
// Weighted sums of neighbours along the axes of lines, images and volumes: average pooling, adaptive pooling,
// interpolation and their adjoints, which differ only in the weights.
#include <memory>
#include <vector>

#include <ditharos/tensor/tensor.h>

namespace ditharos::kernels {

/// A matrix [outputs, inputs] whose rows have adjacent entries. Inputs and outputs may have divisors: an average is a
/// sum that is divided once, since with a rounded reciprocal the mean of equal pixels would not be exact.
class Taps {
 public:
  Taps(int64_t inputs, int64_t outputs)
      : inputs_(inputs), begin_(static_cast<size_t>(outputs)), start_{0},
        input_divisors_(static_cast<size_t>(inputs), 1.0), output_divisors_(static_cast<size_t>(outputs), 1.0) {}

  int64_t inputs() const { return inputs_; }
  int64_t outputs() const { return static_cast<int64_t>(begin_.size()); }
  /// Row `output`: the first input with an entry, their number, and the entries.
  int64_t first(int64_t output) const { return begin_[static_cast<size_t>(output)]; }
  int64_t count(int64_t output) const {
    return start_[static_cast<size_t>(output) + 1] - start_[static_cast<size_t>(output)];
  }
  const double* weights(int64_t output) const { return weights_.data() + start_[static_cast<size_t>(output)]; }

  /// The divisors of the inputs before they are summed, and of the outputs afterwards.
  const std::vector<double>& input_divisors() const { return input_divisors_; }
  const std::vector<double>& output_divisors() const { return output_divisors_; }

  /// Adds the next row; rows come in order.
  void add_row(int64_t first, const std::vector<double>& weights, double divisor = 1);
  Taps transposed() const;

  /// The sums of `outputs` windows of `kernel` elements every `stride` elements, with zero padding. Window o is divided
  /// by divisors[o].
  static Taps windows(int64_t inputs, int64_t kernel, int64_t stride, int64_t padding,
                      const std::vector<double>& divisors);
  /// Output i averages the inputs from floor(i in/out) to ceil((i + 1) in/out).
  static Taps adaptive_average(int64_t inputs, int64_t outputs);

 private:
  int64_t inputs_;
  std::vector<int64_t> begin_, start_;
  size_t rows_ = 0;
  std::vector<double> weights_, input_divisors_, output_divisors_;
};

/// y[..., i, j] = sum over h, w of rows[i, h] columns[j, w] x[..., h, w] for the taps {rows, columns}, with the
/// divisors of both; likewise for the last axis alone or the last three.
Tensor resample(const char* op, const Tensor& x, const std::vector<std::shared_ptr<const Taps>>& taps);

}  // namespace ditharos::kernels
