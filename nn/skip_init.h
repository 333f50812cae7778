#pragma once
// Construction of modules without initial values.

namespace ditharos::nn {

/// In this scope, the functions of nn::init on this thread draw nothing: they return tensors whose elements are
/// undefined (as torch.nn.utils.skip_init). For models whose values are all loaded right after: drawing those of a
/// large model takes longer than reading them, and pages of memory that nobody writes cost nothing.
class SkipInit {
 public:
  SkipInit();
  ~SkipInit();
  SkipInit(const SkipInit&) = delete;
  SkipInit& operator=(const SkipInit&) = delete;

 private:
  bool before_;
};
/// True inside a SkipInit of this thread.
[[nodiscard]] bool skips_init();

}  // namespace ditharos::nn
