#include <ditharos/autograd/ops/detail/axes.h>

#include <algorithm>

namespace ditharos {

ReducedAxes::ReducedAxes(const char* op, const Shape& shape, const Axes& axes) : shape_(shape) {
  bool reduced[Shape::max_rank] = {};
  for (int64_t axis : axes) {
    const int a = normalize_axis(op, axis, shape.rank());
    check<ShapeError>(!reduced[a], "[", op, "] axes ", axes, " list an axis twice");
    reduced[a] = true;
  }
  for (int i = 0; i < shape.rank(); ++i) (axes.empty() || reduced[i] ? reduced_ : kept_).push_back(i);
}

Tensor ReducedAxes::merged(const Tensor& x) const {
  Axes order = kept_;
  Shape shape;
  for (int64_t axis : kept_) shape.push_back(shape_[int(axis)]);
  for (int64_t axis : reduced_) order.push_back(axis);
  shape.push_back(count());
  return reshape(permute(x, order), shape);
}

Shape ReducedAxes::result_shape(bool keepdim) const {
  Shape shape;
  for (int i = 0; i < shape_.rank(); ++i) {
    const bool reduced = std::count(reduced_.begin(), reduced_.end(), i) > 0;
    if (!reduced) shape.push_back(shape_[i]);
    else if (keepdim) shape.push_back(1);
  }
  return shape;
}

int64_t ReducedAxes::count() const {
  int64_t n = 1;
  for (int64_t axis : reduced_) n *= shape_[int(axis)];
  return n;
}

}  // namespace ditharos
