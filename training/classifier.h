#pragma once
// Trains the classifier of a data set for models/evaluation, or reads it from a cache. It is in this folder because
// models/ may not include optimisers.
#include <cstdint>
#include <functional>
#include <string>

#include <ditharos/data/datasets/dataset.h>
#include <ditharos/models/evaluation/conv_classifier.h>

namespace ditharos::training {

struct ClassifierTraining {
  int64_t epochs = 5, batch_size = 128;
  double learning_rate = 2e-3;  ///< AdamW's maximum: 100 steps of warm-up, then linearly to zero
  double weight_decay = 0.05;
  bool horizontal_flip = true;  ///< mirror half of the images, drawn anew every epoch
  uint64_t seed = 0;
};

/// Called before the first step (step 0, no loss yet: NaN) and after every step.
using ClassifierProgress = std::function<void(int64_t step, int64_t total, double loss)>;

/// Trains a classifier from scratch and returns it in evaluation mode. A set smaller than a batch is one batch.
[[nodiscard]] models::ConvClassifier train_classifier(const data::Dataset& dataset, const ClassifierTraining& training,
                                                      const ClassifierProgress& progress = {});

/// Identifies a trained classifier: the checksum of images and labels, and the settings.
[[nodiscard]] std::string classifier_fingerprint(const data::Dataset& dataset, const ClassifierTraining& training);

struct [[nodiscard]] CachedClassifier {
  models::ConvClassifier model;
  std::string path;       ///< its file
  bool was_cached;        ///< read from there, not trained now
  std::string complaint;  ///< why an existing file could not be used; "" otherwise
};
/// The classifier of this data set and these settings from `folder`, or trained and saved there. IoError when it cannot
/// be saved.
CachedClassifier cached_classifier(const std::string& folder, const data::Dataset& dataset,
                                   const ClassifierTraining& training, const ClassifierProgress& progress = {});

/// The same for a data set that is expensive to create: it is created only when the classifier must be trained. `like`
/// is a data set of the same sizes and classes, and `fingerprint` identifies the result.
CachedClassifier cached_classifier(const std::string& folder, const std::string& fingerprint, const data::Dataset& like,
                                   const std::function<data::Dataset()>& make, const ClassifierTraining& training,
                                   const ClassifierProgress& progress = {});

}  // namespace ditharos::training
