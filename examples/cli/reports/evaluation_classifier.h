#pragma once
// The classifiers of evaluate and evaluate_video: trained with a progress bar, or read from a cache.
#include <cstdint>
#include <string>

#include <ditharos/training/classifier.h>

namespace ditharos::examples {

/// The classifier of a data set of images.
models::ConvClassifier image_classifier(const std::string& cache, const data::Dataset& train,
                                        const training::ClassifierTraining& settings);
/// The classifier of objects in synthetic clips.
models::ConvClassifier clip_classifier(const std::string& cache, int64_t clips,
                                       const training::ClassifierTraining& settings);

}  // namespace ditharos::examples
