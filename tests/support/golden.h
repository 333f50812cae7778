#pragma once
// Stored results of PyTorch (tests/golden/*.golden and *.safetensors, made by the scripts beside them).
#include <string>

#include <ditharos/nn/module.h>
#include <ditharos/tensor/tensor.h>

namespace ditharos::tests {

/// The tensors of one golden file.
class Golden {
 public:
  /// Reads tests/golden/`file`; IoError names what is wrong with it.
  explicit Golden(const std::string& file);

  /// The tensor of that name; Error when there is none.
  Tensor at(const std::string& name) const;
  /// All tensors whose names start with `prefix`, without it, in the file's order.
  nn::NamedTensors with_prefix(const std::string& prefix) const;

 private:
  std::string file_;
  nn::NamedTensors tensors_;
};

/// Largest |got - want| as a share of the largest |want|, or of .001 if that is smaller: zeros need not be exact.
/// Infinite when the shapes differ or a value is NaN.
double difference(const Tensor& got, const Tensor& want);

}  // namespace ditharos::tests
