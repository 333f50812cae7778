#pragma once
// Synthetic clips for tests, without any file.
#include <ditharos/data/datasets/images/idx.h>
#include <ditharos/data/synthetic/moving_garments.h>
#include <ditharos/data/synthetic/shapes.h>

namespace ditharos::tests {

/// The ten shapes under the names of Fashion-MNIST's garments, five images of each.
inline data::Dataset named_like_garments() {
  const data::Dataset shapes = data::make_shapes(data::Split::train, {.count = 50});
  return {shapes.images(), shapes.labels(), data::fashion_mnist_class_names()};
}
inline data::MovingGarments made_clips(const data::MovingGarmentsOptions& options = {}) {
  return data::MovingGarments(named_like_garments(), options);
}

}  // namespace ditharos::tests
