#pragma once
// Tensor: a value handle on {storage, offset, shape, strides, dtype}. Copies are cheap and share the elements.
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <vector>

#include <ditharos/tensor/dtype.h>
#include <ditharos/tensor/shape.h>
#include <ditharos/tensor/storage.h>

namespace ditharos {

/// The data of autograd for a tensor: its gradient and its node in a recorded graph. Opaque in this folder.
struct AutogradMeta {
  virtual ~AutogradMeta() = default;
};

/// The metadata of a tensor. Several handles may share one TensorImpl; several TensorImpls may share one Storage
/// (views).
struct TensorImpl {
  std::shared_ptr<Storage> storage;
  Shape shape;
  Strides strides;     // in elements
  int64_t offset = 0;  // in elements
  DType dtype = DType::f32;
  std::unique_ptr<AutogradMeta> meta;
};

/// [[nodiscard]], because operations return a new tensor and change none: a call whose result is ignored is a mistake.
class [[nodiscard]] Tensor {
 public:
  /// An undefined tensor. All of its methods but defined() and assignment throw Error.
  Tensor() = default;
  /// Fresh contiguous memory, contents undefined.
  explicit Tensor(const Shape& shape, DType dtype = DType::f32);
  /// A view of `storage`; the caller guarantees that every index lies inside.
  Tensor(std::shared_ptr<Storage> storage, const Shape& shape, const Strides& strides, int64_t offset, DType dtype);

  bool defined() const { return impl_ != nullptr; }
  const Shape& shape() const { return get().shape; }
  const Strides& strides() const { return get().strides; }
  int64_t offset() const { return get().offset; }
  DType dtype() const { return get().dtype; }
  int rank() const { return get().shape.rank(); }
  /// Size of one axis; negative axes count from the end.
  int64_t size(int axis) const { return get().shape[normalize_axis("size", axis, rank())]; }
  int64_t numel() const { return ditharos::numel(get().shape); }
  bool is_contiguous() const;

  /// First element, for reading. Throws DTypeError unless T is the element type.
  template <Element T>
  const T* data() const {
    return static_cast<const T*>(raw(dtype_of<T>));
  }
  /// First element, for writing. Increments the version of the storage, so that a backward pass that saved it throws.
  template <Element T>
  T* mutable_data() const {
    void* p = raw(dtype_of<T>);
    impl_->storage->bump_version();
    return static_cast<T*>(p);
  }
  uint64_t version() const { return get().storage->version(); }
  const std::shared_ptr<Storage>& storage() const { return get().storage; }

  /// The one element of a one-element tensor, as double. Keeps no graph alive.
  double item() const;
  /// All elements in row-major order, converted to T: any element type (int is i32, bool is true for all but 0).
  template <Element T>
  std::vector<T> to_vector() const;

  /// The identity of the tensor: two handles with one impl are the same tensor.
  TensorImpl* impl() const { return impl_.get(); }
  /// True when no other handle, view or saved tensor refers to these elements, so that they may be overwritten.
  bool is_unique() const { return impl_.use_count() == 1 && impl_->storage.use_count() == 1; }
  std::weak_ptr<TensorImpl> weak() const { return impl_; }
  static Tensor from_impl(std::shared_ptr<TensorImpl> impl) {
    Tensor t;
    t.impl_ = std::move(impl);
    return t;
  }

  // Declared here, because they are methods of Tensor; defined in autograd/tensor.cpp.
  bool requires_grad() const;                             ///< true for parameters and everything computed from them
  const Tensor& set_requires_grad(bool on = true) const;  ///< leaves only
  Tensor grad() const;                       ///< accumulated gradient of a leaf; undefined before backward()
  void set_grad(const Tensor& grad) const;   ///< replaces it; an undefined tensor clears it
  void backward() const;                     ///< accumulates d(this)/d(leaf) into every leaf; this has one element
  Tensor detach() const;                     ///< the same elements, without a graph
  Tensor reshape(const Shape& shape) const;  ///< one size may be -1; a view where the strides allow it
  Tensor transpose(int axis0, int axis1) const;
  Tensor permute(const Axes& order) const;
  Tensor slice(int axis, int64_t begin, int64_t end, int64_t step = 1) const;
  Tensor select(int axis, int64_t index) const;  ///< drops the axis
  Tensor unsqueeze(int axis) const;
  Tensor squeeze(int axis) const;
  Tensor expand(const Shape& shape) const;
  Tensor clone() const;                          ///< a contiguous copy, with a gradient
  Tensor operator[](int64_t i) const;            ///< select(0, i)
  Tensor operator[](const Tensor& index) const;  ///< rows by indices (i64), or elements by flags (boolean)
  // Writing: under NoGrad, or where nothing needs a gradient; AutogradError otherwise.
  const Tensor& copy_(const Tensor& source) const;  ///< the source is converted and broadcast
  const Tensor& fill_(double value) const;
  const Tensor& zero_() const;

 private:
  /// The metadata; throws Error for an undefined tensor, so that no operation has to check.
  const TensorImpl& get() const {
    check(impl_ != nullptr, "the tensor is undefined: it was never given a value");
    return *impl_;
  }
  void* raw(DType wanted) const;
  std::shared_ptr<TensorImpl> impl_;
};

}  // namespace ditharos
