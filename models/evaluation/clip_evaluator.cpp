#include <ditharos/models/evaluation/clip_evaluator.h>

#include <algorithm>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/parallel.h>

namespace ditharos::models {
namespace {

void check_pairs(size_t captions, size_t clips) {
  check<Error>(captions == clips, "[score_clips] ", captions, " captions for ", clips, " clips");
}

template <class T>
void add(Share& share, const std::optional<T>& asked, const std::optional<T>& shown) {
  if (!asked) return;
  ++share.asked;
  share.shown += shown == asked;
}

void add(ClipScore& score, const data::CaptionFacts& caption, const ClipPrediction& clip) {
  add(score.object, caption.lead.label, clip.label);
  add(score.motion, caption.lead.motion, clip.motion);
  if (caption.lead.motion && is_direction(*caption.lead.motion)) add(score.direction, caption.lead.motion, clip.motion);
  add(score.sky, caption.sky, std::optional(clip.sky));
}

}  // namespace

data::Dataset object_crops(const data::MovingGarments& clips, const std::vector<data::SampleShape>& shapes) {
  check<ConfigError>(!shapes.empty(), "[object_crops] needs at least one shape");
  std::vector<Tensor> crops(static_cast<size_t>(clips.size()));  // u8 [n, 1, 28, 28] of each clip
  std::vector<int64_t> classes(crops.size());
  parallel_for(clips.size(), 32, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const auto k = static_cast<size_t>(i);
      const data::Scene scene = clips.scene(i);
      crops[k] = data::measure_clip(clips.render(scene, shapes[k % shapes.size()])).crops;
      classes[k] = scene.lead.label;
    }
  });
  std::vector<uint8_t> images;
  std::vector<int64_t> labels;
  for (size_t k = 0; k < crops.size(); ++k) {
    const uint8_t* pixels = crops[k].data<uint8_t>();
    images.insert(images.end(), pixels, pixels + crops[k].numel());
    labels.insert(labels.end(), static_cast<size_t>(crops[k].size(0)), classes[k]);
  }
  const auto count = static_cast<int64_t>(labels.size());
  return {from_vector(images, {count, 1, 28, 28}), from_vector(labels), clips.images().class_names()};
}

ClipPrediction classify_clip(const ConvClassifier& classifier, const Tensor& frames) {
  const data::ClipMeasurement measured = data::measure_clip(frames);
  ClipPrediction prediction{.label = std::nullopt, .motion = measured.motion, .sky = measured.sky};
  if (measured.sightings.empty()) return prediction;
  const NoGrad no_grad;
  // The frames count as independent observations: their log-probabilities add up.
  const Tensor logits = classifier(data::to_unit_range(measured.crops));  // [sightings, classes]
  prediction.label = static_cast<int64_t>(argmax(mean(log_softmax(logits, -1), {0}), -1).item());
  return prediction;
}

ClipScore score_clips(const std::vector<data::CaptionFacts>& captions, const std::vector<ClipPrediction>& clips) {
  check_pairs(captions.size(), clips.size());
  ClipScore score;
  for (size_t i = 0; i < captions.size(); ++i) add(score, captions[i], clips[i]);
  return score;
}

ClipScore score_shuffled(const std::vector<data::CaptionFacts>& captions, const std::vector<ClipPrediction>& clips) {
  check_pairs(captions.size(), clips.size());
  ClipScore score;
  for (size_t i = 0; i < captions.size(); ++i) {
    for (size_t k = 0; k < clips.size(); ++k) {
      if (k != i) add(score, captions[i], clips[k]);
    }
  }
  return score;
}

}  // namespace ditharos::models
