#pragma once
// Where a profiler listens. Nothing is called, and nothing measured, unless the thread has an observer: a place that
// could be watched costs one test of a thread-local pointer.
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ditharos {

class Shape;
class Tensor;

/// What a piece of work is for.
enum class WorkKind { forward, backward, optimizer, other };

/// A piece of work that is about to begin. The strings must outlive the observer: literals and interned module paths.
struct WorkItem {
  const char* name;
  WorkKind kind = WorkKind::other;
  const char* module = "";
  const Shape* shape = nullptr;  ///< of the result or of the gradient that comes in; null: none
};

/// Hears what its thread does. Called on that thread alone.
class Observer {
 public:
  virtual ~Observer() = default;
  /// Work that is bracketed: backward rules, optimisers. Pairs nest.
  virtual void begin(const WorkItem& work) = 0;
  virtual void end() = 0;
  /// An operation has computed its result. Its kernel began when the result's storage was made.
  virtual void on_result(const WorkItem& work, const Tensor& result, const std::vector<Tensor>& inputs) = 0;
  /// Memory was taken for a tensor. Returns a number that tells this moment from all others, above 0.
  virtual int64_t on_storage(size_t bytes) = 0;
  /// A kernel is about to do n floating-point operations (a multiply-add counts as two).
  virtual void on_flops(double n) = 0;
};

/// The calling thread's observer, or null.
inline constinit thread_local Observer* observer = nullptr;

/// Called by kernels whose work is worth counting: products, attention, convolutions.
inline void count_flops(double n) {
  if (observer) observer->on_flops(n);
}

/// Brackets a piece of work.
class WorkScope {
 public:
  explicit WorkScope(const WorkItem& work) : observer_(observer) {
    if (observer_) observer_->begin(work);
  }
  ~WorkScope() {
    if (observer_ && observer_ == observer) observer_->end();  // it may have been taken off meanwhile
  }
  WorkScope(const WorkScope&) = delete;
  WorkScope& operator=(const WorkScope&) = delete;

 private:
  Observer* observer_;
};

}  // namespace ditharos
