#pragma once
// Where tools listen to what a thread does: the profiler, anomaly mode, the search for an overflow, the recording of a
// backward pass. Whatever is watched calls notify(). Nothing is called, and nothing measured, unless somebody listens:
// a place that could be watched costs the test of a thread-local pointer and of a global one.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ditharos {

struct Node;  // of autograd/; opaque here
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

/// Hears what a thread does, on that thread. It overrides what it wants to hear. A call may throw: the work ends with
/// that exception, and observers further down the list do not hear of it. No call may register or remove an observer.
class Observer {
 public:
  virtual ~Observer() = default;
  /// Work that is bracketed: backward rules, optimisers. Pairs nest. Whoever did not hear the beginning does not hear
  /// the end.
  virtual void begin(const WorkItem& /*work*/) {}
  virtual void end() {}
  /// An operation has computed its result. Its kernel began when the result's storage was made.
  virtual void on_result(const WorkItem& /*work*/, const Tensor& /*result*/, const std::vector<Tensor>& /*inputs*/) {}
  /// Memory was taken for a tensor. `birth` tells this moment from all others: see Storage::birth().
  virtual void on_storage(size_t /*bytes*/, int64_t /*birth*/) {}
  /// A kernel is about to do n floating-point operations (a multiply-add counts as two).
  virtual void on_flops(double /*n*/) {}
  /// A backward rule has returned a gradient for an input. Where the forward pass broadcast the input, it is not yet
  /// summed to the input's shape.
  virtual void on_rule_gradient(const Node& /*node*/, size_t /*input*/, const Tensor& /*grad*/) {}
  /// In a pass of trace_backward() alone (autograd/engine.h): the whole gradient of a node's output, hooks applied,
  /// before the node's rule runs; and what the rule gave for an input, in the input's shape. A gradient may be
  /// overwritten once the call is over: read it at once.
  virtual void on_gradient(const Node& /*node*/, const Tensor& /*grad*/) {}
  virtual void on_input_gradient(const Node& /*node*/, size_t /*input*/, const Tensor& /*grad*/) {}
};

class ObserverScope;
/// The calling thread's observers, in the order in which they were registered; null: none.
inline constinit thread_local ObserverScope* thread_observers = nullptr;
/// Hears what every thread does, before the thread's own observers; null: none. There is one, anomaly mode.
inline constinit std::atomic<Observer*> process_observer{nullptr};

inline bool observed() { return thread_observers || process_observer.load(std::memory_order_relaxed); }

/// Registers an observer of the thread that makes it, and removes it at its end. Several listen at once, and hear
/// everything in the order in which they were registered.
class ObserverScope {
 public:
  enum Others {
    hear_too,
    hear_nothing  // while this scope lives; process_observer still hears
  };
  explicit ObserverScope(Observer& observer, Others others = hear_too);
  ~ObserverScope();
  ObserverScope(const ObserverScope&) = delete;
  ObserverScope& operator=(const ObserverScope&) = delete;

  /// Whether it was registered by the calling thread.
  bool of_this_thread() const;

  Observer& observer() const { return observer_; }
  ObserverScope* next() const { return next_; }
  /// Counts the registrations of the thread.
  uint64_t number() const { return number_; }

 private:
  static ObserverScope** find(ObserverScope*& list, const ObserverScope* scope);

  Observer& observer_;
  uint64_t number_;
  ObserverScope* next_ = nullptr;
  ObserverScope* suspended_ = nullptr;  // the list that hears nothing while this scope lives
};

/// Calls f(observer) for each observer of the calling thread.
template <class F>
void notify(const F& f) {
  if (Observer* const of_all = process_observer.load(std::memory_order_acquire)) f(*of_all);
  for (const ObserverScope* scope = thread_observers; scope; scope = scope->next()) f(scope->observer());
}

/// Called by kernels whose work is worth counting: products, attention, convolutions.
inline void count_flops(double n) {
  notify([n](Observer& o) { o.on_flops(n); });
}

/// Brackets a piece of work.
class WorkScope {
 public:
  explicit WorkScope(const WorkItem& work) {
    if (observed()) begin(work);
  }
  ~WorkScope() {
    if (begun_) end();
  }
  WorkScope(const WorkScope&) = delete;
  WorkScope& operator=(const WorkScope&) = delete;

 private:
  void begin(const WorkItem& work);
  void end() const;

  bool begun_ = false;
  Observer* of_all_ = nullptr;  // who heard the beginning: this one,
  uint64_t newest_ = 0;         // and those of the thread up to this number
};

}  // namespace ditharos
