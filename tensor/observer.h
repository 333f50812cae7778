#pragma once
// Observers of the computation of a thread: the profiler, anomaly mode, the search for an overflow, the recording of a
// backward pass. The observed code calls notify(). Without an observer nothing is called and nothing is measured; the
// cost is one test of a thread-local pointer and one of a global pointer.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ditharos {

struct Node;  // of autograd/; opaque here
class Shape;
class Tensor;

/// What a piece of work is for.
enum class WorkKind { forward, tangent, backward, optimizer, other };

/// A piece of work that is about to begin. The strings must outlive the observer: literals and interned module paths.
struct WorkItem {
  const char* name;
  WorkKind kind = WorkKind::other;
  const char* module = "";
  const Shape* shape = nullptr;  ///< of the result or of the gradient that comes in; null: none
};

/// Receives the events of a thread, on that thread. A class overrides the events that it needs. A call may throw: the
/// work ends with that exception, and observers later in the list do not receive the event. No call may register or
/// remove an observer.
class Observer {
 public:
  virtual ~Observer() = default;
  /// The beginning and the end of a piece of work: backward and tangent rules, optimisers. Pairs nest. An observer that
  /// did not receive the beginning does not receive the end.
  virtual void begin(const WorkItem& /*work*/) {}
  virtual void end() {}
  /// An operation has computed its result. Its kernel began when the result's storage was allocated.
  virtual void on_result(const WorkItem& /*work*/, const Tensor& /*result*/, const std::vector<Tensor>& /*inputs*/) {}
  /// In forward mode: the tangent of the same operation's result, from those of its inputs, some of them undefined.
  virtual void on_tangent(const WorkItem& /*work*/, const Tensor& /*tangent*/,
                          const std::vector<Tensor>& /*tangents*/) {}
  /// Memory was allocated for a tensor. `birth` identifies this moment: see Storage::birth().
  virtual void on_storage(size_t /*bytes*/, int64_t /*birth*/) {}
  /// A kernel is about to do n floating-point operations (a multiply-add counts as two).
  virtual void on_flops(double /*n*/) {}
  /// A backward rule has returned a gradient for an input. If the forward pass broadcast the input, the gradient is not
  /// yet summed to the input's shape.
  virtual void on_rule_gradient(const Node& /*node*/, size_t /*input*/, const Tensor& /*grad*/) {}
  /// Only in a pass of trace_backward() (autograd/engine.h): the complete gradient of a node's output, after hooks and
  /// before the node's rule; and the gradient of an input, in the input's shape. A gradient may be overwritten after
  /// the call, so an observer reads it in the call.
  virtual void on_gradient(const Node& /*node*/, const Tensor& /*grad*/) {}
  virtual void on_input_gradient(const Node& /*node*/, size_t /*input*/, const Tensor& /*grad*/) {}
};

class ObserverScope;
/// The calling thread's observers, in the order in which they were registered; null: none.
inline constinit thread_local ObserverScope* thread_observers = nullptr;
/// Receives the events of all threads, before the observers of a thread; null: none. Anomaly mode is the only one.
inline constinit std::atomic<Observer*> process_observer{nullptr};

[[nodiscard]] inline bool observed() { return thread_observers || process_observer.load(std::memory_order_relaxed); }

/// Registers an observer for the thread that creates it, and removes the observer when it is destroyed. Several
/// observers may be registered at once, and receive all events in the order of registration.
class ObserverScope {
 public:
  enum Others {
    hear_too,
    hear_nothing  // in this scope; process_observer still receives events
  };
  explicit ObserverScope(Observer& observer, Others others = hear_too);
  ~ObserverScope();
  ObserverScope(const ObserverScope&) = delete;
  ObserverScope& operator=(const ObserverScope&) = delete;

  /// True if it was registered by the calling thread.
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
  ObserverScope* suspended_ = nullptr;  // the list that receives no events in this scope
};

/// Calls f(observer) for each observer of the calling thread.
template <class F>
void notify(const F& f) {
  if (Observer* const of_all = process_observer.load(std::memory_order_acquire)) f(*of_all);
  for (const ObserverScope* scope = thread_observers; scope; scope = scope->next()) f(scope->observer());
}

/// Called by kernels whose operations are counted: products, attention, convolutions.
inline void count_flops(double n) {
  notify([n](Observer& o) { o.on_flops(n); });
}

/// Reports the beginning and the end of a piece of work.
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
  Observer* of_all_ = nullptr;  // received the beginning: this one,
  uint64_t newest_ = 0;         // and the observers of the thread up to this number
};

}  // namespace ditharos
