#include "tests/support/tensor_cases.h"

#include <cstring>

#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/dispatch.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/tensor/random.h>
#include <ditharos/tensor/view.h>

namespace ditharos::tests {

int64_t choose(Choices& choices, int64_t low, int64_t high) { return low + int64_t(choices()) % (high - low + 1); }

Shape random_shape(Choices& choices, int rank, int64_t largest) {
  Shape shape;
  for (int i = 0; i < rank; ++i) shape.push_back(choose(choices, 0, 4) == 0 ? 1 : choose(choices, 1, largest));
  return shape;
}

Shape random_part(Choices& choices, const Shape& shape) {
  const int lead = choose(choices, 0, 2) == 0 ? int(choose(choices, 0, shape.rank())) : 0;
  Shape part;
  for (int i = lead; i < shape.rank(); ++i) part.push_back(choose(choices, 0, 3) == 0 ? 1 : shape[i]);
  return part;
}

Tensor random_layout(Choices& choices, const Shape& shape, DType dtype, bool distinct) {
  const int rank = shape.rank();
  Axes order, inverse = Shape::filled(rank, 0);  // base axis i is axis order[i] of the result
  for (int i = 0; i < rank; ++i) order.insert(int(choose(choices, 0, i)), i);
  const bool plain = choose(choices, 0, 3) == 0;
  if (plain)
    for (int i = 0; i < rank; ++i) order[i] = i;
  Shape base;
  int64_t step[Shape::max_rank], first[Shape::max_rank];
  bool stretched[Shape::max_rank];
  for (int i = 0; i < rank; ++i) {
    const int64_t size = shape[int(order[i])];
    inverse[int(order[i])] = i;
    stretched[i] = !distinct && !plain && choose(choices, 0, 7) == 0;
    step[i] = plain || choose(choices, 0, 3) != 0 ? 1 : 2;
    first[i] = plain ? 0 : choose(choices, 0, 2);
    base.push_back(stretched[i] ? 1 : first[i] + size * step[i]);
  }
  Generator numbers(choices());
  Tensor x = is_floating(dtype)        ? kernels::to(numbers.normal(base), dtype)
             : dtype == DType::boolean ? kernels::to(numbers.randint(0, 2, base), dtype)
             : dtype == DType::u8      ? kernels::to(numbers.randint(0, 101, base), dtype)
                                       : kernels::to(numbers.randint(-100, 101, base), dtype);
  if (dtype == DType::f64) x = numbers.normal(base, DType::f64);  // with all of its digits
  Shape stretch = base;
  for (int i = 0; i < rank; ++i) {
    const int64_t size = shape[int(order[i])];
    if (stretched[i]) stretch[i] = size;
    else x = views::slice(x, i, first[i], first[i] + size * step[i], step[i]), stretch[i] = size;
  }
  return views::permute(views::expand(x, stretch), inverse);
}

bool same_bits(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) return false;
  if (a.numel() == 0) return true;
  const Tensor x = kernels::contiguous(a), y = kernels::contiguous(b);
  return visit_dtype(a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    return std::memcmp(x.data<T>(), y.data<T>(), size_t(a.numel()) * sizeof(T)) == 0;
  });
}

void for_each_isa(const std::function<void()>& f) {
  using kernels::Isa;
  const Isa before = kernels::active_isa();
  for (Isa isa : {Isa::baseline, Isa::avx2, Isa::avx512, Isa::avx512_bf16}) {
    if (isa > kernels::widest_isa()) continue;
    kernels::set_isa(isa);
    f();
  }
  kernels::set_isa(before);
}

void for_each_thread_count(const std::function<void()>& f) {
  const int before = num_threads();
  for (int n : {1, 2, 3, 7}) {
    set_num_threads(n);
    f();
  }
  set_num_threads(before);
}

}  // namespace ditharos::tests
