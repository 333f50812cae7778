#pragma once
// Inputs for the op table's checks: drawn values, laid out in memory in several ways.
#include <ditharos/tensor/random.h>
#include "tests/op_table/op_table.h"

namespace ditharos::tests {

/// How an operand lies in memory: as it comes, as a transposition, as every other element, or repeated by stride 0.
enum class Layout { contiguous, transposed, sliced, expanded };
using Layouts = std::vector<Layout>;  // one an input

std::string to_text(const Layouts& layouts);
std::string to_text(const Case& shapes);

/// The layouts to try for so many inputs: each alone and mixed ones, because kernels have paths for both.
std::vector<Layouts> layouts_for(size_t inputs);

/// Leaves from which lay_out() makes operands of the wanted shapes. Floating values come in `dtype`; indices and flags
/// in their own types. The same call gives the same values.
Tensors draw_leaves(const Row& row, const Case& shapes, const Layouts& layouts, DType dtype);
/// Views of the leaves, recorded like any operation.
Tensors lay_out(const Tensors& leaves, const Case& shapes, const Layouts& layouts);
/// Fresh leaves that need gradients, where the row's inputs are floating.
Tensors as_parameters(const Row& row, const Tensors& leaves);
/// The parameters among the leaves.
Tensors parameters_of(const Row& row, const Tensors& leaves);
/// A random cotangent in f64.
Tensor cotangent(const Tensor& output);

}  // namespace ditharos::tests
