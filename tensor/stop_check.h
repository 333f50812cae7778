#pragma once
// Early termination of long work, such as sampling. The caller gives the condition, and the work need not test it.
//
//   try {
//     const StopCheck check([&] { return interrupted; });
//     images = models::sample(...);
//   } catch (const Stopped&) { ... }
#include <functional>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/observer.h>

namespace ditharos {

/// Thrown by work that a StopCheck ended.
class Stopped : public Error {
 public:
  using Error::Error;
};

/// While it exists, its thread throws Stopped from the first operation that ends after `stop` returns true. `stop` is
/// called after every operation, so it must be cheap. Observers that were registered before also receive that
/// operation.
class StopCheck : private Observer {
 public:
  explicit StopCheck(std::function<bool()> stop);

 private:
  void on_result(const WorkItem& work, const Tensor& result, const std::vector<Tensor>& inputs) override;

  std::function<bool()> stop_;
  const ObserverScope scope_;
};

}  // namespace ditharos
