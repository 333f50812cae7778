#include <ditharos/data/synthetic/moving_garments.h>

#include <algorithm>
#include <cmath>

#include <ditharos/data/datasets/idx.h>
#include <ditharos/data/synthetic/shapes.h>
#include <ditharos/tensor/io/crc32c.h>

namespace ditharos::data {

MovingGarments::MovingGarments(Dataset pictures, const MovingGarmentsOptions& options)
    : pictures_(std::move(pictures)), options_(options), grammar_(pictures_.class_names()) {
  check<ShapeError>(pictures_.channels() == 1 || pictures_.channels() == 4,
                    "[MovingGarments] takes gray pictures [N, 1, H, W] or such with opacity [N, 4, H, W], got ",
                    pictures_.images().shape());
  check<ConfigError>(options_.count >= 0, "[MovingGarments] count must not be negative, got ", options_.count);
  check<ConfigError>(options_.second_thing >= 0 && options_.second_thing <= 1,
                     "[MovingGarments] second_thing is a probability, got ", options_.second_thing);
  by_class_.resize(static_cast<size_t>(pictures_.num_classes()));
  for (int64_t i = 0; i < pictures_.size(); ++i) by_class_[static_cast<size_t>(pictures_.label(i))].push_back(i);
  check<ConfigError>(!by_class_.empty(), "[MovingGarments] the pictures have no classes");
  for (size_t label = 0; label < by_class_.size(); ++label) {
    check<ConfigError>(!by_class_[label].empty(), "[MovingGarments] there is no picture of class ",
                       pictures_.class_names()[label]);
  }
}

Scene MovingGarments::scene(int64_t i) const {
  check<Error>(i >= 0 && i < size(), "[MovingGarments] clip ", i, " of ", size());
  const bool held_out = options_.split == SceneSplit::held_out;
  const Generator stream = Generator(options_.seed).fork(held_out ? 1 : 0).fork(static_cast<uint64_t>(i));
  const bool tinted = pictures_.channels() == 1;
  Scene scene = draw_scene(stream.fork(0), by_class_, {options_.split, options_.second_thing, tinted});
  scene.caption = grammar_.write(scene, stream.fork(1), held_out);
  return scene;
}

Sprite MovingGarments::sprite_of(const Actor& actor) const {
  const uint8_t* picture = pictures_.picture(actor.picture);
  const int64_t height = pictures_.height(), width = pictures_.width();
  return pictures_.channels() == 4 ? from_planes(picture, height, width)
                                   : cut_out(picture, height, width, tint(actor.tint).color);
}

Tensor MovingGarments::render(const Scene& scene, const SampleShape& shape) const {
  check<ShapeError>(shape.has_pixels(), "[MovingGarments] every size of a clip must be at least 1, got ", shape);
  Tensor frames({shape.frames, 3, shape.height, shape.width}, DType::u8);
  uint8_t* to = frames.mutable_data<uint8_t>();
  const Sprite lead = sprite_of(scene.lead);
  const Sprite companion = scene.companion ? sprite_of(*scene.companion) : Sprite{};
  Frame frame(shape.height, shape.width);
  for (int64_t f = 0; f < shape.frames; ++f) {
    const double time = shape.frames == 1 ? 0.5 : static_cast<double>(f) / static_cast<double>(shape.frames - 1);
    paint_sky(frame, scene.sky, time);
    draw_sprite(frame, lead, place(scene.lead, lead, time, shape));
    if (scene.companion) draw_sprite(frame, companion, place(*scene.companion, companion, time, shape));
    for (const double value : frame.planes) *to++ = static_cast<uint8_t>(std::lround(std::clamp(value, 0.0, 255.0)));
  }
  return frames;
}

uint32_t MovingGarments::checksum() const {
  const double numbers[] = {double(options_.count), double(options_.split == SceneSplit::held_out),
                            options_.second_thing};
  uint32_t crc = crc32c(numbers, sizeof numbers);
  crc = crc32c(&options_.seed, sizeof options_.seed, crc);
  for (const std::string& name : pictures_.class_names()) crc = crc32c(name.c_str(), name.size() + 1, crc);
  crc = crc32c(pictures_.labels().data<int64_t>(), size_t(pictures_.size()) * sizeof(int64_t), crc);
  return crc32c(pictures_.images().data<uint8_t>(), size_t(pictures_.images().numel()), crc);
}

Dataset things_to_move(Split split) {
  const std::string directory = find_fashion_mnist();
  return directory.empty() ? make_shapes(split) : load_idx(directory, split);
}

}  // namespace ditharos::data
