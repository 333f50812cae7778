#pragma once
// Instruction sets: the sources *_isa.cpp are compiled once for each, and the widest one that the CPU has is chosen at
// run time. So one binary runs on every x86-64 and uses AVX-512 where the CPU has it.
//
// A family of kernels is a table of plain function pointers:
//
//   struct NormKernels {                       // norm/norm_isa.h
//     void (*rows)(const float* x, ...);
//     static const NormKernels& baseline();    // one static function for each instruction set, under its name
//     static const NormKernels& avx2();
//     static const NormKernels& avx512();
//   };
//   const NormKernels& NormKernels::DITHAROS_ISA() { ... }   // norm/norm_isa.cpp; the macro is the set's name
//   isa_kernels<NormKernels>().rows(x, ...);                 // the caller
//
// Definitions in *_isa.cpp have internal linkage and call no inline function or template of the standard library: the
// linker keeps one copy of those, which might be compiled for AVX-512, on a machine without it.
#include <cstdint>

namespace ditharos::kernels {

/// avx512_bf16 is avx512 with products of bfloat16. Only families with kernels for them have a table for it.
enum class Isa : uint8_t { baseline, avx2, avx512, avx512_bf16 };

const char* name_of(Isa isa);
/// The widest set that this CPU has.
Isa widest_isa();
/// The set in use: the widest, unless the environment variable DITHAROS_ISA (baseline, avx2, avx512,
/// avx512_bf16) or set_isa lowers it. Throws ConfigError when the variable names none of them. Results differ between
/// sets in the last bits.
Isa active_isa();
/// Lowers the set in use, for tests; a set wider than the CPU's is ignored. Do not call it while kernels run.
void set_isa(Isa isa);

/// The table for the set in use.
template <class Table>
const Table& isa_kernels() {
#ifdef DITHAROS_HAS_X86_ISAS  // set by the build when it compiles *_isa.cpp for more than the baseline
  switch (active_isa()) {
    case Isa::avx512_bf16:
      if constexpr (requires { Table::avx512_bf16(); }) return Table::avx512_bf16();
      [[fallthrough]];
    case Isa::avx512: return Table::avx512();
    case Isa::avx2: return Table::avx2();
    case Isa::baseline: break;
  }
#endif
  return Table::baseline();
}

}  // namespace ditharos::kernels
