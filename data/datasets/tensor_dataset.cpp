#include <ditharos/data/datasets/tensor_dataset.h>

#include <ditharos/tensor/view.h>

namespace ditharos::data {

void check_same_length(const std::vector<Tensor>& tensors) {
  for (const Tensor& x : tensors) {
    check<ShapeError>(x.defined() && x.rank() >= 1, "[TensorDataset] every tensor must have an axis of samples, got ",
                      x.defined() ? to_text(x.shape()) : "an undefined tensor");
    check<ShapeError>(x.size(0) == tensors[0].size(0), "[TensorDataset] the first axes must have one length, got ",
                      tensors[0].shape(), " and ", x.shape());
  }
}

Tensor row_of(const Tensor& x, int64_t i) {
  check(i >= 0 && i < x.size(0), "[TensorDataset] there is no sample ", i, " of ", x.size(0));
  Shape shape = x.shape();
  shape.erase(0);
  return views::reshape(views::slice(x, 0, i, i + 1, 1), shape);
}

}  // namespace ditharos::data
