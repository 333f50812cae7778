#pragma once
// Internal to tensor/kernels/onednn/.
// oneDNN's matrix product c = a b (+ bias) as one primitive.
#include <ditharos/tensor/kernels/onednn/onednn.h>

namespace ditharos::kernels::onednn {

/// Layouts of a [m, k], b [k, n], bias [1, n] (empty: none) and c [m, n].
struct MatmulLayouts {
  dnnl::memory::desc a, b, bias, c;
};

dnnl::matmul::primitive_desc describe_matmul(const MatmulLayouts& layouts, const dnnl::primitive_attr& attributes);

class Matmul {
 public:
  explicit Matmul(const MatmulLayouts& layouts, const dnnl::primitive_attr& attributes = onednn::attributes());

  /// True when oneDNN has only its slow reference loops for the case.
  bool is_reference() const { return reference_; }
  /// `bias` is read if there is a layout for it.
  void run(const void* a, const void* b, const void* bias, void* c);

 private:
  Matmul(const MatmulLayouts& layouts, const dnnl::matmul::primitive_desc& description);

  bool reference_;
  BoundPrimitive primitive_;
  dnnl::memory a_, b_, bias_, c_;
};

}  // namespace ditharos::kernels::onednn
