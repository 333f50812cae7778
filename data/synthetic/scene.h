#pragma once
// The scene of a synthetic clip: its objects, their motions and the sky. A plain description, drawn at random.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ditharos/data/datasets/data_source.h>
#include <ditharos/data/synthetic/sky.h>
#include <ditharos/data/synthetic/sprite.h>
#include <ditharos/tensor/random.h>

namespace ditharos::data {

enum class Motion { left, right, up, down, bounce, grow, shrink };
inline constexpr int motion_count = 7, direction_count = 4;
[[nodiscard]] const char* name_of(Motion motion);  ///< "left"
[[nodiscard]] inline const char* to_text(Motion motion) { return name_of(motion); }
/// True for the four directions.
[[nodiscard]] inline bool is_direction(Motion motion) { return static_cast<int>(motion) < direction_count; }

/// The colours of objects. The first, white, leaves the gray image unchanged.
struct Tint {
  const char* name;
  Rgb color;
};
inline constexpr int tint_count = 7;
/// Instead of the index of a tint: the object has the colours of its image.
inline constexpr int own_colors = -1;
const Tint& tint(int index);

/// One moving object. Positions and sizes are relative, so one description serves clips of every shape.
struct MovingObject {
  int64_t label = 0, image = 0;  ///< class, and index of the image in its data set
  int tint = 0;
  Motion motion = Motion::left;
  bool fast = false;                         ///< moves farther, or changes its size more, during the clip
  double first_size = 0.6, last_size = 0.6;  ///< its longer side as a share of the frame's shorter side
  /// First and last position, as shares of the free range: 0 touches the left or upper edge of the frame, 1 the right
  /// or lower edge.
  double first_x = 0, first_y = 0, last_x = 0, last_y = 0;
  int hops = 0;  ///< for bounce: number of moves from the first to the last position and back
};

struct Scene {
  MovingObject lead;
  std::optional<MovingObject> companion;  ///< a smaller object of another class
  SkyView sky;
  std::string caption;  ///< names the object and its motion, and sometimes its colour, its speed and the sky
};

/// The split of the scenes.
enum class SceneSplit {
  train,    ///< none with a held-out combination
  held_out  ///< the lead is a held-out combination; the caption always names the sky
};

/// True for held-out combinations of a class and a direction: three of twenty. In training every class has at least
/// three directions, and every direction at least four classes of five.
[[nodiscard]] bool is_held_out(int64_t label, Motion motion);

/// The images of each class, by their indices in a data set; none of the lists is empty.
using ImagesByClass = std::vector<std::vector<int64_t>>;
struct SceneOptions {
  SceneSplit split = SceneSplit::train;
  double second_object = 0;  ///< probability of a companion
  bool tinted = true;        ///< objects come in one of the tints; false: in their own colours
};
/// Draws a scene without its caption.
[[nodiscard]] Scene draw_scene(Generator random, const ImagesByClass& images, const SceneOptions& options);

/// The object's box at `time`, 0..1 from the first to the last frame. It is always wholly inside of the frame.
[[nodiscard]] Box place(const MovingObject& object, const Sprite& sprite, double time, const SampleShape& shape);

}  // namespace ditharos::data
