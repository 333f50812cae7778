// The name of the instruction set in use.
#include <doctest/doctest.h>

#include <string>

#include <ditharos/tensor/kernels/dispatch.h>
#include <ditharos/tensor/system/instruction_set.h>
#include "tests/support/tensor_cases.h"

using namespace ditharos;

TEST_CASE("instruction set: x86-64 and arm64 have no name in common, by which a resumed run sees the other CPU") {
  const tests::RestoreSettings restore;
  kernels::set_isa(kernels::Isa::baseline);
#ifdef __aarch64__
  CHECK(std::string(instruction_set()) == "neon");
#else
  CHECK(std::string(instruction_set()) == "baseline");
#endif
}
