#include <ditharos/data/loading/collate.h>

#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/view.h>

namespace ditharos::data {

Tensor stack_samples(const std::vector<Tensor>& samples) {
  check(!samples.empty() && samples[0].defined(), "[collate] there is no sample to stack");
  Shape shape = samples[0].shape();
  shape.insert(0, static_cast<int64_t>(samples.size()));
  const Tensor batch(shape, samples[0].dtype());
  for (size_t k = 0; k < samples.size(); ++k) {
    const Tensor& sample = samples[k];
    check<ShapeError>(sample.defined() && sample.shape() == samples[0].shape(), "[collate] sample ", k,
                      " of the batch is of shape ", sample.defined() ? to_text(sample.shape()) : "undefined",
                      ", but the first one of ", samples[0].shape(),
                      "; samples of several shapes need a collate "
                      "function");
    check<DTypeError>(sample.dtype() == samples[0].dtype(), "[collate] sample ", k, " of the batch is ", sample.dtype(),
                      ", but the first one ", samples[0].dtype());
    const auto at = static_cast<int64_t>(k);
    kernels::copy_into(views::reshape(views::slice(batch, 0, at, at + 1, 1), sample.shape()), sample);
  }
  return batch;
}

void DefaultCollate::check_alike(bool alike, const char* what) {
  check(alike, "[collate] the samples of a batch: ", what);
}

}  // namespace ditharos::data
