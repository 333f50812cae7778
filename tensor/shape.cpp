#include <ditharos/tensor/shape.h>

#include <algorithm>

#include <ditharos/tensor/checked.h>

namespace ditharos {

void Shape::insert(int at, int64_t value) {
  push_back(value);
  std::rotate(v_ + at, v_ + rank_ - 1, v_ + rank_);
}

void Shape::erase(int at) {
  std::copy(v_ + at + 1, v_ + rank_, v_ + at);
  v_[--rank_] = 0;
}

bool operator==(const Shape& a, const Shape& b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

std::string to_text(const Shape& s) {
  std::string text = "[";
  for (int i = 0; i < s.rank(); ++i) text += (i ? ", " : "") + std::to_string(s[i]);
  return text + "]";
}

int64_t numel(const Shape& s) {
  int64_t extent = 1;  // without the zeros among the sizes, so that no stride of an empty tensor overflows either
  bool empty = false;
  for (int64_t size : s) {
    check<ShapeError>(size >= 0, "a size cannot be negative: ", s);
    empty = empty || size == 0;
    if (size <= 1) continue;
    check<ShapeError>(extent <= max_size / size, "shape ", s, " has more elements than memory can hold");
    extent *= size;
  }
  return empty ? 0 : extent;
}

Strides contiguous_strides(const Shape& s) {
  Strides strides = s;
  int64_t step = 1;
  for (int i = s.rank() - 1; i >= 0; --i) {
    strides[i] = step;
    step *= std::max<int64_t>(s[i], 1);
  }
  return strides;
}

int normalize_axis(const char* op, int64_t axis, int rank) {
  check<ShapeError>(axis >= -rank && axis < rank, "[", op, "] axis ", axis, " is out of range for a tensor of rank ",
                    rank);
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

Shape broadcast_shapes(const char* op, const Shape& a, const Shape& b) {
  const Shape &longer = a.rank() >= b.rank() ? a : b, &shorter = a.rank() >= b.rank() ? b : a;
  const int lead = longer.rank() - shorter.rank();
  Shape out = longer;
  for (int i = 0; i < shorter.rank(); ++i) {
    const int64_t x = longer[lead + i], y = shorter[i];
    check<ShapeError>(x == y || x == 1 || y == 1, "[", op, "] cannot broadcast shapes ", a, " and ", b);
    out[lead + i] = x == 1 ? y : x;
  }
  return out;
}

bool broadcastable_to(const Shape& from, const Shape& to) {
  const int lead = to.rank() - from.rank();
  if (lead < 0) return false;
  for (int i = 0; i < from.rank(); ++i)
    if (from[i] != 1 && from[i] != to[lead + i]) return false;
  return true;
}

}  // namespace ditharos
