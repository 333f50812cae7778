#include <ditharos/tensor/kernels/sort/sort.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <vector>

#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/tensor/view.h>

namespace ditharos::kernels {
namespace {

/// Unsigned integers in the order of the values: NaN last, -0 equal to 0.
uint32_t ordered(float x) {
  if (x != x) return std::numeric_limits<uint32_t>::max();
  const uint32_t bits = std::bit_cast<uint32_t>(x == 0 ? 0.f : x);
  return (bits >> 31) != 0 ? ~bits : bits | 0x80000000u;
}
uint64_t ordered(double x) {
  if (x != x) return std::numeric_limits<uint64_t>::max();
  const uint64_t bits = std::bit_cast<uint64_t>(x == 0 ? 0. : x);
  return (bits >> 63) != 0 ? ~bits : bits | (uint64_t{1} << 63);
}
uint64_t ordered(int64_t x) { return uint64_t(x) ^ (uint64_t{1} << 63); }
uint32_t ordered(int32_t x) { return uint32_t(x) ^ 0x80000000u; }
uint32_t ordered(uint8_t x) { return x; }
uint32_t ordered(bool x) { return x; }

/// A value and its position in one integer where they fit, so that comparing is one instruction.
struct Short {
  uint64_t bits;
  Short(uint32_t key, int64_t index) : bits(uint64_t(key) << 32 | uint64_t(index)) {}
  int64_t index() const { return int64_t(bits & 0xffffffffu); }
  bool operator<(const Short& other) const { return bits < other.bits; }
};
struct Long {
  uint64_t key;
  int64_t place;
  Long(uint64_t k, int64_t index) : key(k), place(index) {}
  int64_t index() const { return place; }
  bool operator<(const Long& other) const { return key != other.key ? key < other.key : place < other.place; }
};

/// Swaps an axis with the last one; its own inverse. A scalar has none.
Tensor with_last(const Tensor& x, int axis) { return x.rank() == 0 ? x : views::transpose(x, axis, x.rank() - 1); }

/// The elements of one line in order; `arrange` sorts as many as are needed.
template <class Entry, class T, class Arrange>
void order_line(const T* x, int64_t n, bool descending, int64_t count, int64_t* out, const Arrange& arrange) {
  std::vector<Entry> entries;
  entries.reserve(size_t(n));
  for (int64_t i = 0; i < n; ++i) {
    const auto key = ordered(x[i]);
    entries.emplace_back(descending ? decltype(key)(~key) : key, i);
  }
  arrange(entries);
  for (int64_t i = 0; i < count; ++i) out[i] = entries[size_t(i)].index();
}

/// Indices of the first `count` elements of each line in order.
template <class Arrange>
Tensor order(const char* op, const Tensor& x, int axis, bool descending, int64_t count, const Arrange& arrange) {
  const Tensor lines = contiguous(with_last(x, axis));
  const int64_t n = lines.size(-1), rows = n == 0 ? 0 : lines.numel() / n;
  Shape shape = lines.shape();
  shape[shape.rank() - 1] = count;
  Tensor out(shape, DType::i64);
  visit_full_precision(op, x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* from = lines.data<T>();
    int64_t* to = out.mutable_data<int64_t>();
    const int64_t grain = std::max<int64_t>(1, 2048 / std::max<int64_t>(n, 1));
    parallel_for(rows, grain, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        if (sizeof(ordered(T{})) == 4 && n <= int64_t(std::numeric_limits<uint32_t>::max()))
          order_line<Short>(from + r * n, n, descending, count, to + r * count, arrange);
        else order_line<Long>(from + r * n, n, descending, count, to + r * count, arrange);
      }
    });
  });
  return contiguous(with_last(out, axis));
}

/// The position of `value` in a sorted row: NaN stands behind all numbers.
template <class T>
int64_t position(const T* row, int64_t n, T value, bool right) {
  const auto key = ordered(value);
  const auto before = [&](T element) { return right ? ordered(element) <= key : ordered(element) < key; };
  return std::partition_point(row, row + n, before) - row;
}

}  // namespace

Tensor argsort(const char* op, const Tensor& x, int axis, bool descending) {
  if (x.rank() == 0) return zeros({}, DType::i64);
  return order(op, x, axis, descending, x.size(axis), [](auto& entries) { std::sort(entries.begin(), entries.end()); });
}

Tensor top_indices(const char* op, const Tensor& x, int64_t count, int axis, bool largest) {
  const int64_t n = x.size(axis);
  check<ShapeError>(count >= 0 && count <= n, "[", op, "] ", count, " elements do not fit axis ", axis, " of shape ",
                    x.shape());
  return order(op, x, axis, largest, count, [count](auto& entries) {
    const auto end = entries.begin() + count;
    if (end != entries.end()) std::nth_element(entries.begin(), end, entries.end());
    std::sort(entries.begin(), end);
  });
}

Tensor searchsorted(const Tensor& sorted, const Tensor& values, bool right) {
  check<DTypeError>(sorted.dtype() == values.dtype(), "[searchsorted] both tensors need one dtype, got ",
                    sorted.dtype(), " and ", values.dtype());
  check<ShapeError>(sorted.rank() >= 1, "[searchsorted] needs a sorted sequence, got a scalar");
  const auto leading = [](const Tensor& x) { return Shape(x.shape().begin(), x.shape().end() - 1); };
  const bool one_row = sorted.rank() == 1;
  check<ShapeError>(one_row || (values.rank() == sorted.rank() && leading(values) == leading(sorted)),
                    "[searchsorted] sorted of shape ", sorted.shape(), " and values of shape ", values.shape(),
                    " differ in more than the last axis");
  const Tensor rows = contiguous(sorted), wanted = contiguous(values);
  Tensor out(values.shape(), DType::i64);
  if (out.numel() == 0) return out;
  const int64_t n = sorted.size(-1), width = one_row ? values.numel() : values.size(-1);
  visit_full_precision("searchsorted", sorted.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T *row = rows.data<T>(), *value = wanted.data<T>();
    int64_t* to = out.mutable_data<int64_t>();
    parallel_for(out.numel(), 1024, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) to[i] = position(row + i / width * n, n, value[i], right);
    });
  });
  return out;
}

Distinct distinct(const Tensor& x) {
  const Tensor flat = views::reshape(contiguous(x), {x.numel()});
  const Tensor sorted = argsort("unique", flat, 0, false);
  const int64_t* order = sorted.data<int64_t>();
  Tensor inverse(x.shape(), DType::i64);
  Tensor values;
  std::vector<int64_t> counts;
  visit_full_precision("unique", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* from = flat.data<T>();
    int64_t* group = inverse.mutable_data<int64_t>();
    std::vector<T> found;
    for (int64_t i = 0; i < x.numel(); ++i) {
      const T value = from[order[i]];
      // As in PyTorch, NaN differs from itself.
      if (i == 0 || !(value == T(found.back()))) found.push_back(value), counts.push_back(0);
      ++counts.back();
      group[order[i]] = int64_t(found.size()) - 1;
    }
    values = from_vector(found);
  });
  return {values, inverse, from_vector(counts)};
}

}  // namespace ditharos::kernels
