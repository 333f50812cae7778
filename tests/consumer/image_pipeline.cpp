// Images from a run of train_dit: image_pipeline runs/quickstart
#include <cmath>
#include <cstdio>

#include <ditharos/ditharos.h>

using namespace ditharos;

int main(int argc, char** argv) {
  const auto pipeline = pipelines::ImagePipeline::from_pretrained(argc > 1 ? argv[1] : "runs/quickstart");
  const Tensor images = pipeline({.classes = {0, 1}, .per_class = 4, .seed = 1});  // [8, C, H, W] in [-1, 1]
  data::save_grid("images.png", images, {.columns = 4, .scale = 2});
  std::printf("%lld images of %s and %s\n", static_cast<long long>(images.size(0)), pipeline.class_names()[0].c_str(),
              pipeline.class_names()[1].c_str());
  return images.size(0) == 8 && std::isfinite(mean(images).item()) ? 0 : 1;
}
