#pragma once
// Finding the operation where the first NaN came from.
//
//   { DetectNan guard; loss = model(x); loss.backward(); }   // AutogradError names the operation
#include <string>

#include <ditharos/autograd/node.h>

namespace ditharos {

/// While on, the result of every differentiable operation and every gradient is searched for NaN. The first NaN throws
/// AutogradError with the operation, its module (once nn::name_modules gave it a path), its shapes and the operations
/// that led to it. Infinities are allowed, because masks use them. The setting holds for the whole process and is off
/// at the start. It costs a pass over every result.
void set_detect_nan(bool on);
[[nodiscard]] bool detect_nan();

/// Switches the search on for a scope.
class DetectNan {
 public:
  DetectNan() : before_(detect_nan()) { set_detect_nan(true); }
  ~DetectNan() { set_detect_nan(before_); }
  DetectNan(const DetectNan&) = delete;
  DetectNan& operator=(const DetectNan&) = delete;

 private:
  bool before_;
};

/// The operations that led to a node, newest first: "sqrt of shape [2] <- sum <- square <- leaf of shape [2, 3]", each
/// with its module: "linear in head of shape [8, 10] <- ...". Among several inputs, the first that needs a gradient is
/// followed.
[[nodiscard]] std::string describe_origin(const Node& node);

}  // namespace ditharos
