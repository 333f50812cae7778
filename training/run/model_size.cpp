#include <ditharos/training/run/model_size.h>

#include <ditharos/tensor/error.h>

namespace ditharos::training {

void check_model_size(const std::string& path, const nn::NamedTensors& tensors, int64_t described) {
  int64_t held = 0;  // no overflow: all of them are in memory
  for (const nn::NamedTensor& t : tensors) held += t.tensor.numel();
  check<IoError>(held == described, "\"", path, "\" holds tensors of ", held,
                 " elements, but its configuration describes a model of ", described);
}

}  // namespace ditharos::training
