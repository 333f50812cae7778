#include <ditharos/data/synthetic/moving_garments.h>

#include <algorithm>
#include <cmath>

#include <ditharos/data/datasets/images/idx.h>
#include <ditharos/data/synthetic/shapes.h>
#include <ditharos/tensor/io/crc32c.h>

namespace ditharos::data {

MovingGarments::MovingGarments(Dataset images, const MovingGarmentsOptions& options)
    : images_(std::move(images)), options_(options), grammar_(images_.class_names()) {
  check<ShapeError>(images_.channels() == 1 || images_.channels() == 4,
                    "[MovingGarments] takes gray images [N, 1, H, W] or such with opacity [N, 4, H, W], got ",
                    images_.images().shape());
  check<ConfigError>(options_.count >= 0, "[MovingGarments] count must not be negative, got ", options_.count);
  check<ConfigError>(options_.second_object >= 0 && options_.second_object <= 1,
                     "[MovingGarments] second_object is a probability, got ", options_.second_object);
  by_class_.resize(static_cast<size_t>(images_.num_classes()));
  for (int64_t i = 0; i < images_.size(); ++i) by_class_[static_cast<size_t>(images_.label(i))].push_back(i);
  check<ConfigError>(!by_class_.empty(), "[MovingGarments] the images have no classes");
  for (size_t label = 0; label < by_class_.size(); ++label) {
    check<ConfigError>(!by_class_[label].empty(), "[MovingGarments] there is no image of class ",
                       images_.class_names()[label]);
  }
}

Scene MovingGarments::scene(int64_t i) const {
  check<Error>(i >= 0 && i < size(), "[MovingGarments] clip ", i, " of ", size());
  const bool held_out = options_.split == SceneSplit::held_out;
  const Generator stream = Generator(options_.seed).fork(held_out ? 1 : 0).fork(static_cast<uint64_t>(i));
  const bool tinted = images_.channels() == 1;
  Scene scene = draw_scene(stream.fork(0), by_class_, {options_.split, options_.second_object, tinted});
  scene.caption = grammar_.write(scene, stream.fork(1), held_out);
  return scene;
}

Sprite MovingGarments::sprite_of(const MovingObject& object) const {
  const uint8_t* image = images_.image(object.image);
  const int64_t height = images_.height(), width = images_.width();
  return images_.channels() == 4 ? from_planes(image, height, width)
                                 : cut_out(image, height, width, tint(object.tint).color);
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
                            options_.second_object};
  uint32_t crc = crc32c(numbers, sizeof numbers);
  crc = crc32c(&options_.seed, sizeof options_.seed, crc);
  for (const std::string& name : images_.class_names()) crc = crc32c(name.c_str(), name.size() + 1, crc);
  crc = crc32c(images_.labels().data<int64_t>(), size_t(images_.size()) * sizeof(int64_t), crc);
  return crc32c(images_.images().data<uint8_t>(), size_t(images_.images().numel()), crc);
}

Dataset objects_to_move(Split split) {
  const std::string directory = find_fashion_mnist();
  return directory.empty() ? make_shapes(split) : load_idx(directory, split);
}

}  // namespace ditharos::data
