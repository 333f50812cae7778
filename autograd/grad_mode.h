#pragma once
// Whether operations are recorded, per thread.

namespace ditharos {

[[nodiscard]] bool grad_enabled();

/// Sets recording on or off for a scope.
class GradMode {
 public:
  explicit GradMode(bool on);
  ~GradMode();
  GradMode(const GradMode&) = delete;
  GradMode& operator=(const GradMode&) = delete;

 private:
  bool before_;
};

/// Nothing inside is recorded: for evaluation, initialisation, optimisers and sampling.
struct NoGrad : GradMode {
  NoGrad() : GradMode(false) {}
};

}  // namespace ditharos
