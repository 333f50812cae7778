#pragma once
// The quality of generated images: the accuracy of a classifier on them, and the Fréchet distance of its features from
// those of a test set that no model was trained on.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ditharos/data/datasets/dataset.h>
#include <ditharos/models/evaluation/conv_classifier.h>
#include <ditharos/models/evaluation/frechet.h>

namespace ditharos::models {

/// What a classifier predicts for N images.
struct ImagePredictions {
  std::vector<int64_t> classes;  ///< the most probable one of each image
  Tensor features;               ///< f32 [N, features]
};
/// Classifies u8 images [N, C, H, W], N >= 1. The classifier must be in evaluation mode. ShapeError for another rank or
/// no image.
[[nodiscard]] ImagePredictions classify(const ConvClassifier& classifier, const Tensor& images);

/// The quality of a set of images.
struct ImageQuality {
  int64_t images = 0;
  std::optional<double> accuracy;  ///< share classified as the requested class; none without labels
  std::vector<double> by_class;    ///< the same for each class; empty without labels
  double frechet = 0;              ///< Fréchet distance from the reference images
};

/// ConfigError unless a test set has classes, and every class the images that ImageEvaluator needs: two, or four where
/// there is only one class. `name` of the set is for the message.
void check_test_set(const data::Dataset& test, const std::string& name);

/// Splits a test set in two: `per_class` images of each class, which stand for perfect samples, and all others, the
/// reference from which Fréchet distances are measured. The quality of the former, real(), is the upper bound for a
/// generator with as many samples.
class ImageEvaluator {
 public:
  /// `per_class` is lowered to half of the smallest class of `test`, which check_test_set has passed.
  ImageEvaluator(const ConvClassifier& classifier, const data::Dataset& test, int64_t per_class);

  /// Images of each class in real(). Compare as many samples, since the distance depends on their number.
  int64_t per_class() const { return per_class_; }
  int64_t reference_images() const { return reference_.count; }
  /// Share of the whole test set that is classified correctly.
  double test_accuracy() const { return test_accuracy_; }
  const ImageQuality& real() const { return real_; }
  /// The quality of u8 images [N, C, H, W] that were generated for the classes `labels`; none for images without
  /// classes.
  ImageQuality measure(const Tensor& images, const std::vector<int64_t>& labels) const;

 private:
  ConvClassifier classifier_;
  int64_t per_class_;
  FeatureStatistics reference_;
  double test_accuracy_ = 0;
  ImageQuality real_;
};

}  // namespace ditharos::models
