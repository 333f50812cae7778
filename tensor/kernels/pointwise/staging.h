#pragma once
// Feeds rows of any stride and length to loops that take contiguous memory and whole blocks (pointwise_isa.h).
#include <algorithm>

#include <ditharos/tensor/kernels/pointwise/pointwise_isa.h>

namespace ditharos::kernels {

/// Elements that are gathered at a time; small enough for the first-level cache.
inline constexpr int64_t stage_size = 512;

/// One operand of a row. Returns its elements as contiguous whole blocks: the row itself where possible, else a copy.
template <class T>
class StagedInput {
 public:
  StagedInput(const T* row, int64_t stride, int64_t n) : row_(row), stride_(stride) {
    buffer_[0] = T{};  // GCC 14 does not see that what a loop reads was filled
    if (stride == 0)
      std::fill_n(buffer_, std::min(stage_size, (n + block_of<T> - 1) / block_of<T> * block_of<T>), *row);
  }
  bool direct() const { return stride_ == 1; }
  /// Elements [first, first + n), followed by what pads them to `padded`.
  const T* get(int64_t first, int64_t n, int64_t padded) {
    if (stride_ == 0) return buffer_;
    if (stride_ == 1 && n == padded) return row_ + first;
    for (int64_t i = 0; i < n; ++i) buffer_[i] = row_[(first + i) * stride_];
    std::fill(buffer_ + n, buffer_ + padded, row_[first * stride_]);
    return buffer_;
  }

 private:
  const T* row_;
  int64_t stride_;
  alignas(block_bytes) T buffer_[stage_size];
};

/// Calls body(first, n, padded) for pieces of a row of n elements. A piece is a number of whole blocks (then padded ==
/// n) or the row's last elements, fewer than a block. `direct`: only the end needs a copy, so pieces may be long.
template <class T, class Body>
void for_each_piece(int64_t n, bool direct, const Body& body) {
  const int64_t whole = n / block_of<T> * block_of<T>, longest = direct ? std::max<int64_t>(whole, 1) : stage_size;
  for (int64_t first = 0; first < whole; first += longest) {
    const int64_t piece = std::min(longest, whole - first);
    body(first, piece, piece);
  }
  if (whole < n) body(whole, n - whole, block_of<T>);
}

/// The result of a row: computed in place where it is contiguous, else in a buffer that is then copied.
template <class T>
class StagedOutput {
 public:
  StagedOutput(T* row, int64_t stride) : row_(row), stride_(stride) {}
  bool direct() const { return stride_ == 1; }
  T* get(int64_t first, int64_t n, int64_t padded) { return stride_ == 1 && n == padded ? row_ + first : buffer_; }
  void put(int64_t first, int64_t n, int64_t padded) {
    if (stride_ == 1 && n == padded) return;
    for (int64_t i = 0; i < n; ++i) row_[(first + i) * stride_] = buffer_[i];
  }

 private:
  T* row_;
  int64_t stride_;
  alignas(block_bytes) T buffer_[stage_size];
};

/// y[i] = f(x[i]) for i in [0, n), strides in elements.
template <class T>
void run_row(const UnaryLoop<T>& loop, int64_t n, T* y, int64_t y_stride, const T* x, int64_t x_stride, T alpha,
             T beta) {
  StagedInput<T> in(x, x_stride, n);
  StagedOutput<T> out(y, y_stride);
  for_each_piece<T>(n, in.direct() && out.direct(), [&](int64_t first, int64_t count, int64_t padded) {
    loop.run(padded, in.get(first, count, padded), out.get(first, count, padded), alpha, beta);
    out.put(first, count, padded);
  });
}

/// out[i] = f(a[i], b[i]).
template <class T>
void run_row(const BinaryLoop<T>& loop, int64_t n, T* out, int64_t out_stride, const T* a, int64_t a_stride, const T* b,
             int64_t b_stride) {
  StagedInput<T> left(a, a_stride, n), right(b, b_stride, n);
  StagedOutput<T> result(out, out_stride);
  const bool direct = left.direct() && right.direct() && result.direct();
  for_each_piece<T>(n, direct, [&](int64_t first, int64_t count, int64_t padded) {
    loop.run(padded, left.get(first, count, padded), right.get(first, count, padded), result.get(first, count, padded));
    result.put(first, count, padded);
  });
}

}  // namespace ditharos::kernels
