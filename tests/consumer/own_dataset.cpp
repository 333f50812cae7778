// A data set of one's own: a source of samples, and the loader that makes batches of them.
#include <algorithm>
#include <cstdio>

#include <ditharos/ditharos.h>

using namespace ditharos;

/// 256 gray images, each of one brightness, in two classes.
struct Brightness : data::DataSource {
  std::vector<std::string> names = {"dark", "bright"};

  int64_t size() const override { return 256; }
  int64_t channels() const override { return 1; }
  const std::vector<std::string>& class_names() const override { return names; }
  int64_t label(int64_t i) const override { return i < 128 ? 0 : 1; }
  Tensor sample(int64_t i, const data::SampleShape& shape) const override {
    Tensor image({shape.frames, 1, shape.height, shape.width}, DType::u8);
    std::fill_n(image.mutable_data<uint8_t>(), image.numel(), static_cast<uint8_t>(i));
    return image;
  }
  uint32_t checksum() const override { return 1; }  // another number when the lines above change
};

int main() {
  const auto source = std::make_shared<Brightness>();
  data::Loader loader(source, {.buckets = {{.shape = {1, 16, 16}, .batch_size = 32}}, .seed = 1});
  const data::Batch batch = loader.next();
  const Tensor images = batch.images();  // f32 [32, 1, 16, 16] in [-1, 1]
  const Tensor brightness = mean(images, {1, 2, 3});
  for (int64_t i = 0; i < 32; ++i) {
    const bool bright = select(batch.labels, 0, i).item() == 1;
    if ((select(brightness, 0, i).item() > 0) != bright) return 1;
  }
  std::printf("a batch of %lld images\n", static_cast<long long>(images.size(0)));
  return 0;
}
