#pragma once
// Rows and extremes of special functions, of reductions by index, and of reductions without NaN, for op_table.cpp.
#include "tests/op_table/op_table.h"

namespace ditharos::tests {

Rows special_rows();
Rows scatter_reduce_rows();
void add_special_extremes(Rows& rows);

/// psi_n(x), the derivative of order n of digamma, in long double: by its recurrence up to 40 and more, from there on
/// by the asymptotic series (Abramowitz and Stegun 6.3.18 and 6.4.11).
long double polygamma_of(int n, long double x);
/// erf^-1(x) in long double, by Newton's method.
long double erfinv_of(long double x);

}  // namespace ditharos::tests
