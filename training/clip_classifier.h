#pragma once
// The classifier of objects for models/evaluation/clip_evaluator, trained on synthetic clips.
#include <functional>
#include <string>

#include <ditharos/training/classifier.h>

namespace ditharos::training {

/// A classifier of the objects in `clips` synthetic clips of two frames in several sizes, from `folder`, or trained and
/// saved there. `objects` are the images of the objects. `on_training` is called before clips are rendered for
/// the training. IoError when it cannot be saved.
CachedClassifier cached_clip_classifier(const std::string& folder, const data::Dataset& objects, int64_t clips,
                                        const ClassifierTraining& training,
                                        const std::function<void()>& on_training = {},
                                        const ClassifierProgress& progress = {});

}  // namespace ditharos::training
