#pragma once
// Options of loading a model, common to all pipelines.
#include <ditharos/autograd/autocast.h>
#include <ditharos/training/run/reporter.h>

namespace ditharos::pipelines {

struct LoadOptions {
  bool averaged = true;  ///< the moving average of the weights where the file has one; false: the last weights
  bool int8 = false;     ///< multiply in 8-bit integers (nn::quantize): about twice as fast, nearly the same samples
  Precision precision = Precision::f32;  ///< of the products while samples are drawn (Autocast)
  /// Called with a note for each checkpoint of a run's folder that cannot be read and is skipped; null: not called.
  training::Reporter* reporter = nullptr;
};

}  // namespace ditharos::pipelines
