// A user's program that samples from models which the training programs wrote.
//
//   consumer_pipelines sora.safetensors [RUN_OF_TRAIN_DIT]
#include <cstdio>

#include <ditharos/ditharos.h>

using namespace ditharos;

namespace {

/// All numbers are finite, and not all are the same.
bool is_sample(const Tensor& x) {
  const auto values = x.to_vector<float>();
  bool varies = false;
  for (const float v : values) {
    if (!(v > -100 && v < 100)) return false;
    varies = varies || v != values[0];
  }
  return varies;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  auto video = pipelines::VideoPipeline::from_pretrained(argv[1]);
  models::SamplerConfig sampler = video.sampler();
  sampler.steps = 2;
  video.set_sampler(sampler);
  const Tensor clips = video({"a red sneaker drifts left"}, {.shape = {8, 32, 32}, .seed = 1});
  if (clips.shape() != Shape{1, 8, 3, 32, 32} || !is_sample(clips)) return 3;
  if (argc > 2) {
    const auto pipeline = pipelines::ImagePipeline::from_pretrained(argv[2]);
    const pipelines::ImageRequest request{.classes = {1, 0}, .per_class = 2, .seed = 1};
    const Tensor images = pipeline(request);
    const models::DiTConfig& model = pipeline.config().model;
    if (images.shape() != Shape{4, model.channels, model.height, model.width} || !is_sample(images)) return 4;
    if (pipeline.labels(request).size() != 4 || pipeline.class_names().empty()) return 5;
  }
  std::puts("the installed library samples from stored models");
  return 0;
}
