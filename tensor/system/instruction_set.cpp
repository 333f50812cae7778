#include <ditharos/tensor/system/instruction_set.h>

#include <ditharos/tensor/kernels/dispatch.h>

namespace ditharos {

const char* instruction_set() { return kernels::name_of(kernels::active_isa()); }

}  // namespace ditharos
