#pragma once
// Whether operations are recorded, per thread.

namespace ditharos {

[[nodiscard]] bool grad_enabled();

/// True when the results of operations are to be differentiated: they are recorded, or forward mode follows them
/// (forward_mode.h). Kernels that compute gradients outside of both serve when it is false.
[[nodiscard]] bool differentiating();

/// Sets recording on or off for a scope. Off, results are constants to forward mode too.
class GradMode {
 public:
  explicit GradMode(bool on);
  ~GradMode();
  GradMode(const GradMode&) = delete;
  GradMode& operator=(const GradMode&) = delete;

 private:
  bool recording_before_, constants_before_;
};

/// Nothing inside is recorded: for evaluation, initialisation, optimisers and sampling.
struct NoGrad : GradMode {
  NoGrad() : GradMode(false) {}
};

}  // namespace ditharos
