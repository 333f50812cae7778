#include "examples/cli/reports/evaluation_classifier.h"

#include <cstdio>
#include <optional>

#include <ditharos/data/synthetic/moving_garments.h>
#include <ditharos/training/clip_classifier.h>
#include "examples/cli/progress.h"

namespace ditharos::examples {
namespace {

/// A bar that begins with the training's first step.
class Bar {
 public:
  void show(int64_t step, int64_t total, double loss) {
    if (step == 0) {
      progress_.emplace(0, total, "step");
      return;  // no loss is known yet
    }
    progress_->update(step, {{"loss", loss}});
    if (step == total) progress_->finish();
  }

 private:
  std::optional<Progress> progress_;
};

}  // namespace

models::ConvClassifier image_classifier(const std::string& cache, const data::Dataset& train,
                                        const training::ClassifierTraining& settings) {
  Bar bar;
  const auto show = [&](int64_t step, int64_t total, double loss) {
    if (step == 0)
      std::printf("training the classifier on %lld images; once for these images and settings\n",
                  static_cast<long long>(train.size()));
    bar.show(step, total, loss);
  };
  training::CachedClassifier classifier = training::cached_classifier(cache, train, settings, show);
  if (!classifier.complaint.empty()) std::printf("trained again: %s\n", classifier.complaint.c_str());
  std::printf("classifier: %s %s\n", classifier.was_cached ? "read from" : "saved as", classifier.path.c_str());
  return std::move(classifier.model);
}

models::ConvClassifier clip_classifier(const std::string& cache, int64_t clips,
                                       const training::ClassifierTraining& settings) {
  Bar bar;
  const auto announce = [&] {
    std::printf("training the classifier on objects from %lld real clips; once for these settings\n",
                static_cast<long long>(clips));
    std::fflush(stdout);
  };
  const auto show = [&](int64_t step, int64_t total, double loss) { bar.show(step, total, loss); };
  training::CachedClassifier classifier = training::cached_clip_classifier(
      cache, data::objects_to_move(data::Split::train), clips, settings, announce, show);
  std::printf("classifier: %s %s\n", classifier.was_cached ? "read from" : "saved as", classifier.path.c_str());
  return std::move(classifier.model);
}

}  // namespace ditharos::examples
