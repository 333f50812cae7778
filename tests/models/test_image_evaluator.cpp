// The evaluator of images: classifier, its training and cache, quality of samples.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <set>

#include <ditharos/autograd/ops.h>
#include <ditharos/data/synthetic/shapes.h>
#include <ditharos/models/evaluation/image_evaluator.h>
#include <ditharos/nn/state_dict.h>
#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/training/classifier.h>
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::models;
using namespace ditharos::training;

namespace {

const data::Dataset& train_set() {
  static const data::Dataset set = data::make_shapes(data::Split::train, {.count = 1280, .size = 12});
  return set;
}
const data::Dataset& test_set() {
  static const data::Dataset set = data::make_shapes(data::Split::test, {.count = 200, .size = 12});
  return set;
}

ClassifierTraining short_training() { return {.epochs = 4, .batch_size = 32, .horizontal_flip = false}; }

// Trained once for all cases.
const ConvClassifier& trained() {
  static const ConvClassifier model = train_classifier(train_set(), short_training());
  return model;
}

}  // namespace

TEST_CASE("classifier: shapes of features and logits for even and odd images") {
  Generator rng(1);
  for (const auto& [height, width] : {std::pair<int64_t, int64_t>{28, 28}, {13, 7}, {1, 1}}) {
    ConvClassifier model({.channels = 3, .height = height, .width = width, .classes = 5, .features = 6}, rng);
    const Tensor x = rng.normal({2, 3, height, width});
    CHECK(model.features(x).shape() == Shape{2, 6});
    CHECK(model(x).shape() == Shape{2, 5});
    const Tensor loss = cross_entropy(model(x), from_vector<int64_t>({0, 4}));
    nn::audit(loss, model);
    loss.backward();
    for (const nn::NamedTensor& one : nn::named_parameters(model)) CHECK_MESSAGE(one.tensor.grad().defined(), one.name);
  }
  ConvClassifier model({}, rng);
  CHECK(nn::parameter_count(model) == 122826);
  CHECK_THROWS_AS(model(zeros({2, 3, 28, 28})), ShapeError);
  CHECK_THROWS_AS(ConvClassifier({.classes = 0}, rng), ConfigError);
}

TEST_CASE("classifier: training brings the loss down and the accuracy up") {
  std::vector<double> losses;
  int64_t total = 0;
  const auto note = [&](int64_t step, int64_t of, double loss) {
    CHECK(step == static_cast<int64_t>(losses.size()));
    losses.push_back(loss);
    total = of;
  };
  const ConvClassifier model = train_classifier(train_set(), short_training(), note);
  CHECK(total == 4 * 40);
  CHECK(static_cast<int64_t>(losses.size()) == total + 1);
  CHECK(std::isnan(losses[0]));
  CHECK(losses[1] > 2);  // ln 10 = 2.3: it knows nothing yet
  CHECK(losses.back() < 1);
  const ImageEvaluator evaluator(model, test_set(), 10);
  CHECK(evaluator.test_accuracy() > 0.7);
  // The same again, to the bit.
  const ImagePredictions a = classify(model, test_set().images()), b = classify(trained(), test_set().images());
  CHECK(a.features.to_vector<float>() == b.features.to_vector<float>());
}

TEST_CASE("classifier: the cache is used for the same data and settings, and replaced when it is damaged") {
  const tests::TemporaryFolder folder;
  const data::Dataset few = train_set().first(64);
  const ClassifierTraining training{.epochs = 1, .batch_size = 32};
  const CachedClassifier first = cached_classifier(folder.path(), few, training);
  CHECK_FALSE(first.was_cached);
  CHECK(first.complaint.empty());
  const CachedClassifier second = cached_classifier(folder.path(), few, training);
  CHECK(second.was_cached);
  CHECK(second.path == first.path);
  const Tensor images = test_set().images();
  CHECK(classify(first.model, images).features.to_vector<float>() ==
        classify(second.model, images).features.to_vector<float>());

  std::string bytes = read_file(first.path, 1 << 24);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  AtomicFile damaged(first.path);
  damaged.write(bytes.data(), bytes.size());
  damaged.commit();
  const CachedClassifier third = cached_classifier(folder.path(), few, training);
  CHECK_FALSE(third.was_cached);
  CHECK(third.complaint.find(first.path) != std::string::npos);
  CHECK(cached_classifier(folder.path(), few, training).was_cached);
}

TEST_CASE("classifier: whatever decides it changes its fingerprint") {
  const data::Dataset few = train_set().first(64);
  std::set<std::string> prints;
  const auto add = [&](const data::Dataset& set, const ClassifierTraining& training) {
    prints.insert(classifier_fingerprint(set, training));
  };
  add(few, {});
  add(few, {});
  CHECK(prints.size() == 1);
  add(few, {.epochs = 6});
  add(few, {.batch_size = 64});
  add(few, {.learning_rate = 1e-3});
  add(few, {.weight_decay = 0});
  add(few, {.horizontal_flip = false});
  add(few, {.seed = 1});
  add(train_set().first(63), {});
  add(test_set().first(64), {});
  CHECK(prints.size() == 9);
}

TEST_CASE("image evaluator: real images are near the reference, noise and a missing class are far") {
  const ImageEvaluator evaluator(trained(), test_set(), 10);
  CHECK(evaluator.per_class() == 10);
  CHECK(evaluator.reference_images() == 100);
  const ImageQuality& real = evaluator.real();
  CHECK(real.images == 100);
  CHECK(*real.accuracy > 0.6);
  double mean = 0;
  for (double share : real.by_class) mean += share / 10;
  CHECK(mean == doctest::Approx(*real.accuracy));

  Generator rng(3);
  const Tensor noise = data::to_bytes(clamp(rng.normal({100, 1, 12, 12}), -1, 1));
  CHECK(evaluator.measure(noise, {}).frechet > 5 * real.frechet);
  CHECK_FALSE(evaluator.measure(noise, {}).accuracy.has_value());
  CHECK(evaluator.measure(noise, {}).by_class.empty());
  const std::vector<int64_t> asked(100, 3);
  CHECK(*evaluator.measure(noise, asked).accuracy < 0.9);

  // A generator that draws one class alone, perfectly: the classifier agrees, the distance tells.
  const data::Dataset discs = train_set().subset(train_set().indices_of_class(0)).first(100);
  const ImageQuality one_class = evaluator.measure(discs.images(), discs.labels().to_vector<int64_t>());
  CHECK(*one_class.accuracy > 0.6);
  CHECK(one_class.by_class[0] == *one_class.accuracy);
  CHECK(one_class.frechet > 2 * real.frechet);
}

TEST_CASE("image evaluator: what it refuses") {
  CHECK(ImageEvaluator(trained(), test_set(), 1000).per_class() == 10);  // half of each class of the test set
  CHECK_THROWS_AS(ImageEvaluator(trained(), test_set().first(10), 10), Error);
  const ImageEvaluator evaluator(trained(), test_set(), 5);
  const Tensor images = test_set().first(3).images();
  CHECK_THROWS_AS(evaluator.measure(images, {1, 2}), ShapeError);
  CHECK_THROWS_AS(evaluator.measure(images, {1, 2, 10}), Error);
  CHECK_THROWS_AS(evaluator.measure(zeros({3, 1, 28, 28}, DType::u8), {}), ShapeError);
  CHECK_THROWS_AS(classify(trained(), zeros({0, 1, 12, 12}, DType::u8)), ShapeError);
}
