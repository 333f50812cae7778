#pragma once
// Synthetic captioned videos from real images: garments, or other objects, that move over changing skies.
#include <cstdint>
#include <string>

#include <ditharos/data/datasets/data_source.h>
#include <ditharos/data/datasets/dataset.h>
#include <ditharos/data/synthetic/scene.h>
#include <ditharos/data/synthetic/scene_caption.h>

namespace ditharos::data {

struct MovingGarmentsOptions {
  int64_t count = 100000;  ///< number of clips
  uint64_t seed = 0;
  SceneSplit split = SceneSplit::train;
  double second_object = 0.12;  ///< share of clips with a second, smaller object, 0..1
};

/// `count` clips: clip i depends on the images, (seed, split, i) and the shape alone. A clip is the same scene in
/// every shape: positions and sizes are relative to the frame, and the motion takes the whole clip. A clip of one frame
/// shows the middle of the motion.
class MovingGarments : public DataSource {
 public:
  /// Gray `images` of objects on a black ground, as Fashion-MNIST's, [N, 1, H, W], which are tinted; or [N, 4, H, W]
  /// with colours and opacity, as load_emoji() gives. ConfigError when an option is out of range or a class has no
  /// image, ShapeError for another number of channels.
  explicit MovingGarments(Dataset images, const MovingGarmentsOptions& options = {});

  int64_t size() const override { return options_.count; }
  std::string caption(int64_t i) const override { return scene(i).caption; }
  Tensor sample(int64_t i, const SampleShape& shape) const override { return render(scene(i), shape); }
  /// The checksum of the images, their classes and the options. Takes a pass over the images.
  uint32_t checksum() const override;

  /// The scene of clip i with its caption: the ground truth for captions and measurements.
  Scene scene(int64_t i) const;
  /// Renders any scene with these images, u8 [F, 3, H, W]; ShapeError unless every size is at least 1.
  Tensor render(const Scene& scene, const SampleShape& shape) const;
  const SceneGrammar& grammar() const { return grammar_; }
  const Dataset& images() const { return images_; }

 private:
  Sprite sprite_of(const MovingObject& object) const;

  Dataset images_;
  MovingGarmentsOptions options_;
  ImagesByClass by_class_;
  SceneGrammar grammar_;
};

/// The images of the objects: Fashion-MNIST where its files are installed, else the shapes of shapes.h.
[[nodiscard]] Dataset objects_to_move(Split split);

}  // namespace ditharos::data
