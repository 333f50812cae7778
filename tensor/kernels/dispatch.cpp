#include <ditharos/tensor/kernels/dispatch.h>

#include <atomic>
#include <cstdlib>
#include <string>

#include <ditharos/tensor/error.h>

namespace ditharos::kernels {

const char* name_of(Isa isa) {
  switch (isa) {
    case Isa::avx512_bf16: return "avx512_bf16";
    case Isa::avx512: return "avx512";
    case Isa::avx2: return "avx2";
    case Isa::baseline: break;
  }
  return "baseline";
}

Isa widest_isa() {
#ifdef DITHAROS_HAS_X86_ISAS
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("bmi2")) {
    return Isa::baseline;
  }
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
  if (!avx512) return Isa::avx2;
  return __builtin_cpu_supports("avx512bf16") ? Isa::avx512_bf16 : Isa::avx512;
#else
  return Isa::baseline;
#endif
}

namespace {

Isa narrower(Isa a, Isa b) { return a < b ? a : b; }

Isa initial_isa() {
  const char* wish = std::getenv("DITHAROS_ISA");
  if (!wish || !*wish) return widest_isa();
  for (Isa isa : {Isa::baseline, Isa::avx2, Isa::avx512, Isa::avx512_bf16}) {
    if (wish == std::string(name_of(isa))) return narrower(isa, widest_isa());
  }
  fail<ConfigError>("DITHAROS_ISA=", wish, " names no instruction set; choose baseline, avx2, avx512 or avx512_bf16");
}

std::atomic<Isa>& active() {
  static std::atomic<Isa> isa{initial_isa()};
  return isa;
}

}  // namespace

Isa active_isa() { return active().load(std::memory_order_relaxed); }

void set_isa(Isa isa) { active().store(narrower(isa, widest_isa()), std::memory_order_relaxed); }

}  // namespace ditharos::kernels
