#include <ditharos/autograd/autocast.h>

#include <ditharos/tensor/system/instruction_set.h>

namespace ditharos {
namespace {

thread_local DType current_dtype = DType::f32;

}  // namespace

Autocast::Autocast(DType dtype) : before_(current_dtype) {
  check<DTypeError>(dtype == DType::bf16 || dtype == DType::f32, "[Autocast] products read bf16 or f32, got ", dtype);
  current_dtype = dtype;
}

Autocast::~Autocast() { current_dtype = before_; }

DType autocast_dtype() { return current_dtype; }

DType precision_dtype(Precision precision) {
  const bool reduced = precision == Precision::bf16 || (precision == Precision::automatic && has_bf16_products());
  return reduced ? DType::bf16 : DType::f32;
}

std::string precision_note(Precision precision) {
  if (precision == Precision::f32) return "";
  const std::string lacking = "products of bf16 need AVX512_BF16 and oneDNN to be faster";
  if (has_bf16_products()) return "precision: products of bf16 with sums in f32";
  if (precision == Precision::automatic) return "precision: f32, because " + lacking;
  return "precision: bf16, which is slower than f32 here, because " + lacking;
}

}  // namespace ditharos
