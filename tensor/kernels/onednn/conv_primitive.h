#pragma once
// Internal to tensor/kernels/onednn/.
// A piece of a convolution as a primitive of oneDNN.
//
// oneDNN's fast kernels need channels in blocks of 16 (nChw16c). The images of a piece are reordered into that layout
// and back while they are in the cache, which costs 2 to 5 % of the products. The caller only uses [B, C, H, W].
#include <cstdint>

#include <ditharos/tensor/kernels/conv/conv_pieces.h>
#include <ditharos/tensor/kernels/onednn/onednn.h>
#include <ditharos/tensor/kernels/workspace.h>

namespace ditharos::kernels::onednn {

/// An array in the caller's layout and in the one of the primitive, and the reorder between them.
class ConvOperand {
 public:
  ConvOperand() = default;
  /// `result`: the primitive writes it.
  ConvOperand(const dnnl::memory::desc& outer, const dnnl::memory::desc& inner, bool result);

  /// In the layout of the primitive.
  const dnnl::memory& inner() const { return inner_; }
  /// The layouts are equal: no reorder.
  bool direct() const { return direct_; }
  /// Size of a reordered copy; 0 if direct.
  int64_t bytes() const { return bytes_; }

  void set(const void* outer, Workspace& scratch);
  void set(const void* outer, const void* inner);
  void reorder_in() {
    if (!direct_) reorder_.execute(stream(), outer_, inner_);
  }
  void reorder_out() {
    if (!direct_) reorder_.execute(stream(), inner_, outer_);
  }

 private:
  bool direct_ = true;
  dnnl::memory outer_, inner_;
  int64_t bytes_ = 0;
  dnnl::reorder reorder_;
};

class ConvPrimitive {
 public:
  /// `operands`: the type of what the primitive reads, f32 or bf16. It sums and writes in f32.
  ConvPrimitive(const ConvPieceKey& key, dnnl::memory::data_type operands);

  /// True when oneDNN has only its slow reference loops for the case.
  bool slow() const { return slow_; }
  const ConvOperand& weight() const { return weight_; }

  /// Copies weights into the primitive's layout, for the forward pass and the input gradient. Threads may share a copy.
  void reorder_weight(const void* weight, void* reordered);

  /// `weight`: for the weight gradient the result in the caller's layout, otherwise reordered. `bias` may be null.
  void run(const void* x, const void* y, const void* weight, const float* bias);

 private:
  template <class Description>
  void prepare(const ConvPieceKey& key, dnnl::memory::data_type operands, const Description& found,
               const dnnl::memory::desc& x, const dnnl::memory::desc& y, const dnnl::memory::desc& weight);

  ConvPass pass_;
  bool slow_ = false;
  BoundPrimitive primitive_;
  ConvOperand x_, y_, weight_;
  dnnl::memory bias_;
};

}  // namespace ditharos::kernels::onednn
