#include <ditharos/tensor/tensor.h>

#include <ditharos/tensor/kernels/copy/copy.h>

namespace ditharos {

Tensor::Tensor(const Shape& shape, DType dtype) : impl_(std::make_shared<TensorImpl>()) {
  const int64_t n = ditharos::numel(shape);
  check<ShapeError>(n <= (int64_t{1} << 58), "shape ", shape, " has more elements than memory can hold");
  impl_->storage = std::make_shared<Storage>(size_t(n) * size_of(dtype));
  impl_->shape = shape;
  impl_->strides = contiguous_strides(shape);
  impl_->dtype = dtype;
}

Tensor::Tensor(std::shared_ptr<Storage> storage, const Shape& shape, const Strides& strides, int64_t offset,
               DType dtype)
    : impl_(std::make_shared<TensorImpl>()) {
  impl_->storage = std::move(storage);
  impl_->shape = shape;
  impl_->strides = strides;
  impl_->offset = offset;
  impl_->dtype = dtype;
}

bool Tensor::is_contiguous() const {
  int64_t step = 1;
  for (int i = rank() - 1; i >= 0; --i) {
    if (shape()[i] == 0) return true;
    if (shape()[i] != 1 && strides()[i] != step) return false;
    step *= shape()[i];
  }
  return true;
}

void* Tensor::raw(DType wanted) const {
  check<DTypeError>(dtype() == wanted, "[data] the tensor holds ", dtype(), ", not ", wanted);
  return static_cast<char*>(impl_->storage->data()) + size_t(offset()) * size_of(wanted);
}

double Tensor::item() const {
  check<ShapeError>(numel() == 1, "[item] needs a tensor of one element, got shape ", shape());
  return visit_dtype(dtype(), [&](auto v) { return static_cast<double>(*data<decltype(v)>()); });
}

template <Element T>
std::vector<T> Tensor::to_vector() const {
  if (numel() == 0) return {};
  const Tensor flat = kernels::to(*this, dtype_of<T>);  // contiguous
  const T* p = flat.data<T>();
  return std::vector<T>(p, p + numel());
}
template std::vector<float> Tensor::to_vector() const;
template std::vector<double> Tensor::to_vector() const;
template std::vector<bfloat16> Tensor::to_vector() const;
template std::vector<float16> Tensor::to_vector() const;
template std::vector<int64_t> Tensor::to_vector() const;
template std::vector<int32_t> Tensor::to_vector() const;
template std::vector<uint8_t> Tensor::to_vector() const;
template std::vector<bool> Tensor::to_vector() const;

}  // namespace ditharos
