#include <ditharos/tensor/system/instruction_set.h>

#include <algorithm>

#include <ditharos/tensor/kernels/dispatch.h>

namespace ditharos {

const char* instruction_set() {
#ifdef __aarch64__
  return "neon";
#else
  return kernels::name_of(std::min(kernels::active_isa(), kernels::Isa::avx512));
#endif
}

bool has_bf16_products() {
#ifdef DITHAROS_HAS_ONEDNN
  return kernels::active_isa() == kernels::Isa::avx512_bf16;
#else
  return false;
#endif
}

}  // namespace ditharos
