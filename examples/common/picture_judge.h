#pragma once
// How good generated pictures are, measured with a classifier's eyes against a test set that nobody trained on.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ditharos/data/datasets/dataset.h>
#include <ditharos/models/evaluation/conv_classifier.h>
#include <ditharos/models/evaluation/frechet.h>

namespace ditharos::examples {

/// What a classifier says of pictures.
struct Judgement {
  std::vector<int64_t> classes;  ///< the most probable one of each picture
  Tensor features;               ///< [N, features]
};
/// Judges u8 pictures [N, C, H, W], N >= 1. The classifier must be in evaluation mode.
Judgement judge(const models::ConvClassifier& classifier, const Tensor& pictures);

/// The quality of a set of pictures.
struct Quality {
  int64_t pictures = 0;
  std::optional<double> accuracy;  ///< share taken for the class that they should show; none without labels
  std::vector<double> by_class;    ///< the same for each class; empty without labels
  double frechet = 0;              ///< distance from the reference pictures
};

/// ConfigError unless every class of a test set has the images that PictureJudge needs: two, or four where there is
/// only one class. `name` of the set is for the message.
void check_test_set(const data::Dataset& test, const std::string& name);

/// Splits a test set in two: `per_class` pictures of each class, which stand for perfect samples, and all others, the
/// reference from which Fréchet distances are measured. So the quality of the former, real(), is what a perfect
/// generator could reach with as many samples.
class PictureJudge {
 public:
  /// `per_class` is lowered to half of the smallest class of `test`, which check_test_set has passed.
  PictureJudge(const models::ConvClassifier& classifier, const data::Dataset& test, int64_t per_class);

  /// Pictures of each class in real(): compare as many samples, since the distance depends on their number.
  int64_t per_class() const { return per_class_; }
  int64_t reference_pictures() const { return reference_.count; }
  /// Share of the whole test set that the classifier gets right.
  double test_accuracy() const { return test_accuracy_; }
  const Quality& real() const { return real_; }
  /// Of u8 pictures [N, C, H, W] that should show the classes `labels`; none for pictures without classes.
  Quality measure(const Tensor& pictures, const std::vector<int64_t>& labels) const;

 private:
  models::ConvClassifier classifier_;
  int64_t per_class_;
  models::FeatureStatistics reference_;
  double test_accuracy_ = 0;
  Quality real_;
};

}  // namespace ditharos::examples
