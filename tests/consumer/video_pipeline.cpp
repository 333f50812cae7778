// A clip from a prompt: video_pipeline examples/checkpoints/sora.safetensors "a red sneaker drifts left"
#include <cstdio>

#include <ditharos/ditharos.h>

using namespace ditharos;

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  auto pipeline = pipelines::VideoPipeline::from_pretrained(argv[1]);
  models::SamplerConfig sampler = pipeline.sampler();
  sampler.steps = 2;  // quick and blurred; the model's own setting is 30
  pipeline.set_sampler(sampler);
  const Tensor clips = pipeline({argv[2]}, {.shape = {8, 32, 32}, .seed = 1});  // [1, 8, 3, 32, 32] in [-1, 1]
  data::write_clip("clip.gif", select(clips, 0, 0), /*fps=*/8);
  std::printf("a clip of %lld frames\n", static_cast<long long>(clips.size(1)));
  return clips.shape() == Shape{1, 8, 3, 32, 32} ? 0 : 1;
}
