#pragma once
// Forward mode: derivatives along one direction, computed together with the values.
//
//   const DualLevel level;
//   const Tensor y = f(make_dual(x, v));   // y = f(x)
//   const Tensor jv = tangent_of(y);       // J v
//
// A tensor with a tangent is called dual. Each operation computes the tangent of its result from those of its inputs by
// the tangent rule that it gives to `record` (rule.h). Tensors without tangent are constants, such as the parameters of
// a module. What reverse mode treats as a constant is one here too: the result of detach(), of an operation under
// NoGrad inside of the level, and of an operation on integers. A level may begin under NoGrad: then nothing is recorded
// and intermediate results and tangents are freed as soon as they have been used.
//
// jvp() in functional.h is the usual way to use it. A level belongs to the thread that opened it: on other threads dual
// tensors are constants. Tensor hooks are not called with tangents. Observers (profiler, anomaly mode) observe tangent
// rules as work of the kind WorkKind::tangent. checkpoint() computes tangents in its first run; while tangents are
// recorded, it saves what its block saves. A quantised nn::Linear throws, and packed weights are not used for dual
// tensors.
#include <memory>

#include <ditharos/tensor/tensor.h>

namespace ditharos {

struct DualOptions {
  /// Tangents that depend on something that needs a gradient are recorded, so that they can be differentiated in
  /// reverse mode. Otherwise they are constants to a backward pass, as after detach(), and cost less.
  bool record_tangents = true;
  /// The graph keeps the tangents of what it saves until the level ends, so that a backward pass inside of the level
  /// computes the tangents of gradients: forward over reverse.
  bool save_tangents = true;
};

/// A forward-mode computation, from construction to destruction. Its end removes all tangents from their tensors; a
/// result of tangent_of() stays valid. Levels do not nest: AutogradError. For second derivatives, combine it with
/// reverse mode: differentiate a recorded tangent, or call vjp() with create_graph = true inside of the level.
class DualLevel {
 public:
  explicit DualLevel(const DualOptions& options = {});
  ~DualLevel();
  DualLevel(const DualLevel&) = delete;
  DualLevel& operator=(const DualLevel&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// x with a tangent, in its shape and dtype (f32 or f64). The result shares the elements of x and depends on x in the
/// recorded graph. AutogradError outside of a level and if x has a tangent; ShapeError, DTypeError.
[[nodiscard]] Tensor make_dual(const Tensor& x, const Tensor& tangent);
/// The tangent of x in the thread's level; undefined if it is zero because x does not depend on a dual tensor.
[[nodiscard]] Tensor tangent_of(const Tensor& x);

}  // namespace ditharos
