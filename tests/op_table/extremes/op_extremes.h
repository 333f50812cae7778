#pragma once
// Extreme inputs for the rows of the op table, and their check. A new operation states its own in the file of its
// family with add_extremes(), or why it needs none with no_extremes().
#include "tests/op_table/op_table.h"

namespace ditharos::tests {

using Real = long double;
using Formula = std::function<Real(Real)>;

inline constexpr double infinite = __builtin_inf(), not_a_number = __builtin_nan("");

/// Adds to the first row of that name.
void add_extremes(Rows& rows, const std::string& name, std::vector<Extreme> extremes);
void no_extremes(Rows& rows, const std::vector<std::string>& names, const std::string& reason);

/// A one-dimensional array.
Array line(std::vector<double> values);
/// rows x columns.
Array grid(int64_t rows, int64_t columns, std::vector<double> values);
/// Zeros of x's shape.
Array zeros_of(const Array& x);

/// y = f(x), element by element, at these points; `second` may be left out.
Extreme points(const std::string& what, std::vector<double> at, Formula f, Formula derivative, Formula second = {});
/// The same for f(a, b); without derivatives, the result has no gradient.
using Pair = Real (*)(Real, Real);
Extreme pairs(const std::string& what, std::vector<double> a, std::vector<double> b, Pair f, Pair da, Pair db);
/// Answers that do not depend on how the inputs are rounded.
Extreme stated(const std::string& what, Arrays inputs, Array value, Arrays gradients, Arrays second = {});
/// The same for the operation `op` in place of the row's.
Extreme with_op(Extreme e, std::function<Tensor(const Tensors&)> op);

/// What is wrong with the operation at these inputs; empty: nothing. `count`: comparisons made are added.
std::vector<std::string> problems_at(const Row& row, const Extreme& extreme, int64_t& count);

// The families' extremes.
void add_function_extremes(Rows& rows);
void add_arithmetic_extremes(Rows& rows);
void add_reduction_extremes(Rows& rows);
void add_loss_extremes(Rows& rows);
void add_norm_extremes(Rows& rows);
void add_product_extremes(Rows& rows);
void add_window_extremes(Rows& rows);
void add_elementwise_extremes(Rows& rows);
void add_sorting_extremes(Rows& rows);
void add_further_loss_extremes(Rows& rows);
void add_plain_reasons(Rows& rows);

}  // namespace ditharos::tests
