#include <ditharos/models/evaluation/image_evaluator.h>

#include <algorithm>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>

namespace ditharos::models {
namespace {

constexpr int64_t classified_at_once = 500;  // images

struct Parts {
  std::vector<int64_t> real, reference;  // indices into the test set
};

Parts split(const data::Dataset& test, int64_t per_class) {
  Parts parts;
  for (int64_t c = 0; c < test.num_classes(); ++c) {
    const std::vector<int64_t> of_class = test.indices_of_class(c);
    const auto middle = of_class.begin() + std::min(per_class, static_cast<int64_t>(of_class.size()));
    parts.real.insert(parts.real.end(), of_class.begin(), middle);
    parts.reference.insert(parts.reference.end(), middle, of_class.end());
  }
  return parts;
}

int64_t half_of_smallest_class(const data::Dataset& test) {
  int64_t smallest = test.size();
  for (int64_t c = 0; c < test.num_classes(); ++c) {
    smallest = std::min(smallest, static_cast<int64_t>(test.indices_of_class(c).size()));
  }
  return smallest / 2;
}

/// Accuracies: of all images, and of each class. `labels` is not empty.
void set_accuracy(ImageQuality& quality, const std::vector<int64_t>& classes, const std::vector<int64_t>& labels,
                  int64_t num_classes) {
  std::vector<int64_t> correct(static_cast<size_t>(num_classes)), all(static_cast<size_t>(num_classes));
  int64_t all_correct = 0;
  for (size_t i = 0; i < labels.size(); ++i) {
    check(labels[i] >= 0 && labels[i] < num_classes, "[ImageEvaluator] label ", labels[i], " is not below ",
          num_classes);
    const auto label = static_cast<size_t>(labels[i]);
    const bool is_correct = classes[i] == labels[i];
    ++all[label];
    correct[label] += is_correct;
    all_correct += is_correct;
  }
  quality.accuracy = static_cast<double>(all_correct) / static_cast<double>(labels.size());
  for (size_t c = 0; c < all.size(); ++c) {
    quality.by_class.push_back(all[c] == 0 ? 0 : static_cast<double>(correct[c]) / static_cast<double>(all[c]));
  }
}

}  // namespace

ImagePredictions classify(const ConvClassifier& classifier, const Tensor& images) {
  check<ShapeError>(images.rank() == 4 && images.size(0) >= 1,
                    "[classify] needs images [N, C, H, W], at least one, got ", images.shape());
  const NoGrad no_grad;
  ImagePredictions out;
  std::vector<Tensor> features;
  for (int64_t begin = 0; begin < images.size(0); begin += classified_at_once) {
    const Tensor some = slice(images, 0, begin, std::min(begin + classified_at_once, images.size(0)));
    features.push_back(classifier.features(data::to_unit_range(some)));
    for (int64_t c : argmax(classifier.logits(features.back()), -1).to_vector<int64_t>()) out.classes.push_back(c);
  }
  out.features = cat(features, 0);
  return out;
}

void check_test_set(const data::Dataset& test, const std::string& name) {
  check<ConfigError>(test.num_classes() > 0, "cannot evaluate by ", name,
                     ": its images have no classes, and the "
                     "figures come from a classifier; name labelled images of the same kind with --data, or look at "
                     "samples");
  // Both halves need two images: a covariance needs two samples.
  const int64_t least = test.num_classes() == 1 ? 4 : 2;
  for (int64_t c = 0; c < test.num_classes(); ++c) {
    const auto count = static_cast<int64_t>(test.indices_of_class(c).size());
    check<ConfigError>(count >= least, "cannot evaluate by ", name, ": class \"", test.class_names()[size_t(c)],
                       "\" has ", count, count == 1 ? " test image" : " test images",
                       ", and every class needs at least ", least,
                       ", half of them to compare with the other half (in a folder without train and test, every tenth "
                       "image of a class is a test image: at least ",
                       10 * least, " of each class)");
  }
}

ImageEvaluator::ImageEvaluator(const ConvClassifier& classifier, const data::Dataset& test, int64_t per_class)
    : classifier_(classifier), per_class_(std::min(per_class, half_of_smallest_class(test))) {
  check_test_set(test, "the test set");
  const Parts parts = split(test, per_class_);
  const data::Dataset real = test.subset(parts.real), reference = test.subset(parts.reference);
  const ImagePredictions reference_predictions = classify(classifier_, reference.images());
  reference_ = feature_statistics(reference_predictions.features);
  real_ = measure(real.images(), real.labels().to_vector<int64_t>());

  ImageQuality rest;
  set_accuracy(rest, reference_predictions.classes, reference.labels().to_vector<int64_t>(), test.num_classes());
  const auto real_count = static_cast<double>(real.size()), rest_count = static_cast<double>(reference.size());
  test_accuracy_ = (*real_.accuracy * real_count + *rest.accuracy * rest_count) / (real_count + rest_count);
}

ImageQuality ImageEvaluator::measure(const Tensor& images, const std::vector<int64_t>& labels) const {
  check<ShapeError>(labels.empty() || static_cast<int64_t>(labels.size()) == images.size(0), "[ImageEvaluator] ",
                    labels.size(), " labels for images of shape ", images.shape());
  const ImagePredictions predictions = classify(classifier_, images);
  ImageQuality quality;
  quality.images = images.size(0);
  quality.frechet = frechet_distance(feature_statistics(predictions.features), reference_);
  if (!labels.empty()) set_accuracy(quality, predictions.classes, labels, classifier_.config().classes);
  return quality;
}

}  // namespace ditharos::models
