#include <ditharos/training/clip_classifier.h>

#include <ditharos/models/evaluation/clip_evaluator.h>

namespace ditharos::training {

CachedClassifier cached_clip_classifier(const std::string& folder, const data::Dataset& objects, int64_t clips,
                                        const ClassifierTraining& training, const std::function<void()>& on_training,
                                        const ClassifierProgress& progress) {
  const std::vector<data::SampleShape> shapes = {{2, 32, 32}, {2, 32, 48}, {2, 48, 32}, {2, 32, 40}};
  const auto crops = [&](int64_t count) {
    data::MovingGarmentsOptions options;
    options.count = count;
    options.second_object = 0;
    return models::object_crops(data::MovingGarments(objects, options), shapes);
  };
  // The checksum of a few crops stands for all: it changes when the rendering or the measurement of clips changes.
  const data::Dataset some = crops(32);
  const std::string fingerprint = classifier_fingerprint(some, training) + "clips = " + std::to_string(clips) + "\n";
  const auto make = [&] {
    if (on_training) on_training();
    return crops(clips);
  };
  return cached_classifier(folder, fingerprint, some, make, training, progress);
}

}  // namespace ditharos::training
