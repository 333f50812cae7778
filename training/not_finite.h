#pragma once
// The error of a training step whose numbers are not finite.
#include <ditharos/tensor/error.h>

namespace ditharos::training {

/// A loss, a gradient or a weight is NaN or infinite, or the squares of a gradient overflow.
class NotFiniteError : public Error {
  using Error::Error;
};

}  // namespace ditharos::training
