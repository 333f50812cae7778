#pragma once
// Inputs for the kernels' tests: tensors of every layout, and the settings under which results must not change.
#include <functional>
#include <random>

#include <ditharos/tensor/kernels/dispatch.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/tensor/tensor.h>
#include "tests/support/message_of.h"

namespace ditharos::tests {

/// Source of choices, not of numbers that anything is computed from: its sequence is the same everywhere.
using Choices = std::mt19937;
int64_t choose(Choices& choices, int64_t low, int64_t high);  ///< in [low, high]

/// A shape of `rank` axes, each of size 1 to `largest`, some of them 1.
Shape random_shape(Choices& choices, int rank, int64_t largest);
/// Normal numbers, or for integer types whole ones within +-100 (0 to 100 for u8, 0 or 1 for bool), in a tensor whose
/// axes are permuted, sliced, stepped over and, unless `distinct`, broadcast (stride 0) at random.
Tensor random_layout(Choices& choices, const Shape& shape, DType dtype, bool distinct = false);
/// A shape that broadcasts to `shape`: some axes 1, some leading ones left out.
Shape random_part(Choices& choices, const Shape& shape);

/// Equal shape, dtype and bits.
bool same_bits(const Tensor& a, const Tensor& b);
/// Sets the number of threads and the instruction set back at the end of a test.
struct RestoreSettings {
  int threads = num_threads();
  kernels::Isa isa = kernels::active_isa();
  ~RestoreSettings() {
    set_num_threads(threads);
    kernels::set_isa(isa);
  }
};
/// Runs f under each instruction set that this CPU has, and restores the one in use.
void for_each_isa(const std::function<void()>& f);
/// Runs f with 1, 2, 3 and 7 threads, and restores their number.
void for_each_thread_count(const std::function<void()>& f);

}  // namespace ditharos::tests
