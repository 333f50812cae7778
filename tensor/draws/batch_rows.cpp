#include <ditharos/tensor/draws/batch_rows.h>

#include <ditharos/tensor/error.h>

namespace ditharos {
namespace {
constinit thread_local const BatchRows* innermost = nullptr;
}  // namespace

BatchRows::BatchRows(const RowRange& rows) : rows_(rows), outer_(innermost) {
  check(rows.first >= 0 && rows.count > 0 && rows.count <= rows.total - rows.first, "[BatchRows] rows ", rows.first,
        " to ", rows.first + rows.count, " are no part of a batch of ", rows.total);
  innermost = this;
}

BatchRows::~BatchRows() { innermost = outer_; }

RowRange batch_rows(int64_t n) {
  if (innermost == nullptr || n == 0 || n % innermost->rows_.count != 0) return {0, n, n};
  const RowRange& rows = innermost->rows_;
  const int64_t k = n / rows.count;
  return {k * rows.first, n, k * rows.total};
}

}  // namespace ditharos
