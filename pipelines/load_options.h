#pragma once
// What the pipelines have in common when they load a model.
#include <ditharos/training/run/reporter.h>

namespace ditharos::pipelines {

struct LoadOptions {
  bool averaged = true;  ///< the moving average of the weights where the file has one; false: the last weights
  bool int8 = false;     ///< multiply in 8-bit integers (nn::quantize): about twice as fast, nearly the same samples
  /// Gets a note for each checkpoint of a run's folder that cannot be read and is passed over; null: nobody does.
  training::Reporter* reporter = nullptr;
};

}  // namespace ditharos::pipelines
