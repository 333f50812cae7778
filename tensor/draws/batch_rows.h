#pragma once
// Random numbers for a part of a batch: each sample has those that it would have if the whole batch were drawn at once.
#include <cstdint>

namespace ditharos {

/// Rows [first, first + count) of a batch of `total` samples.
struct RowRange {
  int64_t first = 0, count = 0, total = 0;
};

/// In a scope, the computation of this thread is that of some rows of a batch. A Generator's draw of a tensor
/// [count, ...], or [k * count, ...] for an integer k, returns those rows of the draw of the whole batch, and advances
/// the generator as that would. Draws of another size, of single numbers and of permutations are as outside.
class BatchRows {
 public:
  /// Error unless 0 <= first, 0 < count and first + count <= total.
  explicit BatchRows(const RowRange& rows);
  ~BatchRows();
  BatchRows(const BatchRows&) = delete;
  BatchRows& operator=(const BatchRows&) = delete;

 private:
  friend RowRange batch_rows(int64_t n);
  RowRange rows_;
  const BatchRows* outer_;
};

/// The rows that a batch of n samples is of the batch of the scope; {0, n, n} outside of a scope and where n is not a
/// multiple of the scope's count. For code that draws numbers one by one.
[[nodiscard]] RowRange batch_rows(int64_t n);

}  // namespace ditharos
