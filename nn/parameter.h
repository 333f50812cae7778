#pragma once
// The tensors that a module owns: copying a module copies them.
#include <utility>

#include <ditharos/tensor/tensor.h>

namespace ditharos::nn {

/// A tensor whose copy is another tensor with elements of its own. A plain Tensor made from it is a handle on the same
/// one, as copies of Tensors are: `Tensor w = layer.weight`. Moving keeps the tensor.
class OwnedTensor : public Tensor {
 public:
  /// The tensor itself, to be shared on purpose: `decoder.weight = encoder.weight.handle()` ties two weights.
  const Tensor& handle() const { return *this; }

 protected:
  OwnedTensor() = default;
  explicit OwnedTensor(Tensor tensor) : Tensor(std::move(tensor)) {}
  OwnedTensor(const OwnedTensor& other) : Tensor(copied(other)) {}
  OwnedTensor(OwnedTensor&&) noexcept = default;
  OwnedTensor& operator=(const OwnedTensor& other) {
    Tensor::operator=(copied(other));
    return *this;
  }
  OwnedTensor& operator=(OwnedTensor&&) noexcept = default;
  ~OwnedTensor() = default;

 private:
  static Tensor copied(const Tensor& tensor);
};

/// A tensor that is trained: a leaf that collects a gradient. A copy is a leaf of its own with the same values, frozen
/// if the original is, and without a gradient.
class Parameter : public OwnedTensor {
 public:
  /// Undefined: a layer without bias.
  Parameter() = default;
  /// Marks a fresh tensor as a parameter, as torch.nn.Parameter does.
  explicit Parameter(Tensor fresh) : OwnedTensor(std::move(fresh)) { set_requires_grad(true); }
  /// Puts another tensor in its place, as it is: a frozen one, or the handle of another parameter.
  Parameter& operator=(Tensor tensor) {
    Tensor::operator=(std::move(tensor));
    return *this;
  }
};

/// A tensor that is stored and loaded with the module, but not trained.
class Buffer : public OwnedTensor {
 public:
  Buffer() = default;
  explicit Buffer(Tensor tensor) : OwnedTensor(std::move(tensor)) {}
  Buffer& operator=(Tensor tensor) {
    Tensor::operator=(std::move(tensor));
    return *this;
  }
};

/// In this scope, copies of parameters, buffers and lists of hooks on this thread are the originals. share() uses it.
class SharingScope {
 public:
  SharingScope();
  ~SharingScope();
  SharingScope(const SharingScope&) = delete;
  SharingScope& operator=(const SharingScope&) = delete;

 private:
  bool before_;
};
/// True inside a SharingScope of this thread.
[[nodiscard]] bool sharing();

}  // namespace ditharos::nn
