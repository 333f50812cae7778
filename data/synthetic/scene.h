#pragma once
// What happens in a synthetic clip: which objects move how, over which sky. A plain description, drawn at random.
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
/// True for the four that end elsewhere than they began.
[[nodiscard]] inline bool is_direction(Motion motion) { return static_cast<int>(motion) < direction_count; }

/// The colours that objects come in. The first, white, keeps the gray image as it is.
struct Tint {
  const char* name;
  Rgb color;
};
inline constexpr int tint_count = 7;
/// In place of a tint's index: the object has the colours of its image.
inline constexpr int own_colors = -1;
const Tint& tint(int index);

/// One moving object. Places and sizes are relative, so that one description serves every shape of a clip.
struct MovingObject {
  int64_t label = 0, image = 0;  ///< class, and index of the image in its data set
  int tint = 0;
  Motion motion = Motion::left;
  bool fast = false;  ///< covers more way, or changes its size more, in the time of the clip
  double first_size = 0.6, last_size = 0.6;  ///< its longer side as a share of the frame's shorter side
  /// Where it starts and how far it gets, as shares of the way that is free: 0 touches the left or upper edge of the
  /// frame, 1 the right or lower edge.
  double first_x = 0, first_y = 0, last_x = 0, last_y = 0;
  int hops = 0;  ///< for bounce: how often it gets from the first to the last place and back
};

struct Scene {
  MovingObject lead;
  std::optional<MovingObject> companion;  ///< a smaller object of another class
  SkyView sky;
  std::string caption;  ///< says what the object is and how it moves; its colour, its speed and the sky not always
};

/// Which scenes are drawn.
enum class SceneSplit {
  train,    ///< none with a held-out combination
  held_out  ///< the lead is a held-out combination; the caption always names the sky
};

/// Held-out combinations of an object and a direction: three of twenty. Every class keeps at least three directions,
/// and every direction is kept by at least four classes of five.
[[nodiscard]] bool is_held_out(int64_t label, Motion motion);

/// The images of each class, by their indices in a data set; none of the lists is empty.
using ImagesByClass = std::vector<std::vector<int64_t>>;
struct SceneOptions {
  SceneSplit split = SceneSplit::train;
  double second_object = 0;  ///< probability of a companion
  bool tinted = true;       ///< objects come in one of the tints; false: in their own colours
};
/// Draws everything but the caption.
[[nodiscard]] Scene draw_scene(Generator random, const ImagesByClass& images, const SceneOptions& options);

/// Where the object is at `time`, 0..1 from the first to the last frame. It is always wholly inside of the frame.
[[nodiscard]] Box place(const MovingObject& object, const Sprite& sprite, double time, const SampleShape& shape);

}  // namespace ditharos::data
