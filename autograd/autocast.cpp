#include <ditharos/autograd/autocast.h>

namespace ditharos {
namespace {

thread_local DType current = DType::f32;

}  // namespace

Autocast::Autocast(DType dtype) : before_(current) {
  check<DTypeError>(dtype == DType::bf16 || dtype == DType::f32, "[Autocast] products read bf16 or f32, got ", dtype);
  current = dtype;
}

Autocast::~Autocast() { current = before_; }

DType autocast_dtype() { return current; }

}  // namespace ditharos
