#pragma once
// Internal to autograd/.
// The state of a thread's differentiation, and the tangents of tensors in forward mode.
#include <cstdint>
#include <memory>
#include <vector>

#include <ditharos/autograd/forward_mode.h>

namespace ditharos {

/// The derivative of a tensor along the direction of a forward-mode computation.
struct Tangent {
  Tensor value;
  uint64_t level;  // in which it was computed; in others the tensor is a constant
};

/// A forward-mode computation.
struct Level {
  uint64_t id;
  DualOptions options;
  // A recorded tangent may refer to its own tensor through the graph, so the level's end frees all of them.
  std::vector<std::weak_ptr<Tangent>> tangents = {};
  size_t compact_at = 1024;
};

struct DifferentiationMode {
  bool recording = true;
  bool constants = false;  // GradMode(false): results have no tangents
  Level* level = nullptr;
};
inline constinit thread_local DifferentiationMode differentiation_mode;

/// The level whose tangents operations compute; null: none.
inline Level* active_level() {
  return differentiation_mode.level && !differentiation_mode.constants ? differentiation_mode.level : nullptr;
}

/// Sets recording as GradMode does, and leaves forward mode as it is.
class RecordingScope {
 public:
  explicit RecordingScope(bool on) : before_(differentiation_mode.recording) { differentiation_mode.recording = on; }
  ~RecordingScope() { differentiation_mode.recording = before_; }
  RecordingScope(const RecordingScope&) = delete;
  RecordingScope& operator=(const RecordingScope&) = delete;

 private:
  bool before_;
};

/// No forward mode in a scope: for tangent rules, whose own operations have no tangents.
class NoLevel {
 public:
  NoLevel() : before_(differentiation_mode.level) { differentiation_mode.level = nullptr; }
  ~NoLevel() { differentiation_mode.level = before_; }
  NoLevel(const NoLevel&) = delete;
  NoLevel& operator=(const NoLevel&) = delete;

 private:
  Level* before_;
};

/// Gives x the tangent, whose shape and dtype are those of x, in the active level.
void set_tangent(const Tensor& x, const Tensor& tangent);
/// Gives `to` the tangent of `from`, if that has one.
void copy_tangent(const Tensor& from, const Tensor& to);
/// The same elements and the same place in the graph, without the tangent.
Tensor without_tangent(const Tensor& x);

}  // namespace ditharos
