#include <ditharos/pipelines/held_out_clips.h>

#include <ditharos/autograd/ops.h>
#include <ditharos/data/datasets/dataset.h>

namespace ditharos::pipelines {

HeldOutClips held_out_clips(const VideoPipeline& pipeline, const data::SampleShape& shape, int64_t count,
                            double companions, uint64_t seed) {
  data::MovingGarmentsOptions options;
  options.split = data::SceneSplit::held_out;
  options.seed = seed;
  options.second_object = companions;
  const data::MovingGarments clips(data::objects_to_move(data::Split::test), options);
  const int64_t longest = pipeline.config().model.text.length;
  HeldOutClips result;
  for (int64_t i = 0; i < clips.size() && int64_t(result.captions.size()) < count; ++i) {
    const data::Scene scene = clips.scene(i);
    if (int64_t(pipeline.tokenizer().encode(scene.caption).size()) > longest) continue;
    result.captions.push_back(scene.caption);
    result.facts.push_back(clips.grammar().read(scene.caption));
    result.real.push_back(clips.render(scene, shape));
  }
  check<ConfigError>(int64_t(result.captions.size()) == count, "there are only ", result.captions.size(),
                     " held-out prompts that the model can read, not ", count);
  return result;
}

std::vector<Tensor> reconstruct(const VideoPipeline& pipeline, const std::vector<Tensor>& clips) {
  const models::LatentDiT& model = pipeline.model();
  std::vector<Tensor> result;
  for (const Tensor& clip : clips) {
    const Tensor back = model.from_latents(model.to_latents(unsqueeze(data::to_unit_range(clip), 0)));
    result.push_back(data::to_bytes(select(back, 0, 0)));
  }
  return result;
}

}  // namespace ditharos::pipelines
