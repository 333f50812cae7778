#include <ditharos/data/synthetic/scene.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace ditharos::data {
namespace {

constexpr std::array<Tint, tint_count> tints = {{{"white", {245, 245, 245}},
                                                 {"red", {228, 32, 32}},
                                                 {"orange", {255, 140, 10}},
                                                 {"yellow", {255, 230, 40}},
                                                 {"green", {40, 190, 60}},
                                                 {"blue", {30, 60, 235}},
                                                 {"purple", {190, 50, 240}}}};

/// Random choices; each uses the next number of a stream.
class Choices {
 public:
  explicit Choices(Generator random) : random_(random) {}
  double between(double low, double high) { return low + (high - low) * random_.uniform(); }
  bool chance(double p) { return random_.uniform() < p; }
  int64_t below(int64_t n) { return std::min(static_cast<int64_t>(random_.uniform() * static_cast<double>(n)), n - 1); }

 private:
  Generator random_;
};

/// Class and motion, allowed in the split. A companion has another class, so that captions can tell the objects apart.
void choose_part(MovingObject& object, Choices& choices, int64_t classes, SceneSplit split) {
  do {
    object.label = choices.below(classes);
    // About two thirds of the motions are directions, the motions that prompts describe most.
    object.motion =
        static_cast<Motion>(choices.chance(0.7) ? choices.below(direction_count)
                                                : choices.below(motion_count - direction_count) + direction_count);
  } while (is_held_out(object.label, object.motion) != (split == SceneSplit::held_out));
}

void choose_look(MovingObject& object, Choices& choices, const ImagesByClass& images, bool tinted) {
  const std::vector<int64_t>& candidates = images[static_cast<size_t>(object.label)];
  object.image = candidates[static_cast<size_t>(choices.below(static_cast<int64_t>(candidates.size())))];
  const auto tint = static_cast<int>(choices.below(tint_count));
  object.tint = tinted ? tint : own_colors;
}

/// The path: along one axis for a direction; up and down for a bounce; none for a change of size.
void choose_way(MovingObject& object, Choices& choices, double size, double x, double y) {
  object.fast = choices.chance(0.5);
  object.first_size = object.last_size = size;
  object.first_x = object.last_x = x;
  object.first_y = object.last_y = y;
  const double travel = object.fast ? choices.between(0.85, 1) : choices.between(0.45, 0.55);
  const double start = choices.between(0.4, 0.6) * (1 - travel);  // from the edge that it moves away from
  switch (object.motion) {
    case Motion::left: object.first_x = 1 - start, object.last_x = 1 - start - travel; break;
    case Motion::right: object.first_x = start, object.last_x = start + travel; break;
    case Motion::up: object.first_y = 1 - start, object.last_y = 1 - start - travel; break;
    case Motion::down: object.first_y = start, object.last_y = start + travel; break;
    case Motion::bounce:
      object.hops = object.fast ? 2 : 1;
      object.first_y = choices.between(0.9, 1), object.last_y = object.first_y - choices.between(0.7, 0.8);
      break;
    case Motion::grow:
    case Motion::shrink: {
      const double change = object.fast ? choices.between(1.7, 1.9) : choices.between(1.35, 1.5);
      const double large = std::min(1.15 * size, 0.75), small = large / change;
      object.first_size = object.motion == Motion::grow ? small : large;
      object.last_size = object.motion == Motion::grow ? large : small;
      break;
    }
  }
}

SkyView choose_sky(Choices& choices) {
  SkyView view;
  view.sky = static_cast<Sky>(choices.below(sky_count));
  view.first_hour = choices.between(0, 0.35);
  view.last_hour = choices.between(0.65, 1);
  for (double& shift : view.shift) shift = choices.between(-5, 5);
  view.seed = static_cast<uint64_t>(choices.below(int64_t{1} << 48));
  return view;
}

}  // namespace

const char* name_of(Motion motion) {
  static constexpr const char* names[motion_count] = {"left", "right", "up", "down", "bounce", "grow", "shrink"};
  return names[static_cast<int>(motion)];
}

const Tint& tint(int index) {
  check<Error>(index >= 0 && index < tint_count, "[tint] ", index, " of ", tint_count);
  return tints[static_cast<size_t>(index)];
}

bool is_held_out(int64_t label, Motion motion) {
  // Of every five classes three have one held-out direction each, in rotation.
  static constexpr int turns[5] = {0, 1, -1, 2, -1};
  const int turn = turns[label % 5];
  return turn >= 0 && is_direction(motion) && (label / 5 * 3 + turn) % direction_count == static_cast<int>(motion);
}

Scene draw_scene(Generator random, const ImagesByClass& images, const SceneOptions& options) {
  Choices choices(random);
  const auto classes = static_cast<int64_t>(images.size());
  Scene scene;
  scene.sky = choose_sky(choices);
  choose_part(scene.lead, choices, classes, options.split);
  choose_look(scene.lead, choices, images, options.tinted);
  if (!choices.chance(options.second_object) || classes < 2) {
    const double size = choices.between(0.66, 0.72), x = choices.between(0.4, 0.6);
    choose_way(scene.lead, choices, size, x, choices.between(0.4, 0.6));
    return scene;
  }
  // Two objects stay on opposite sides of the frame, perpendicular to their paths.
  MovingObject& companion = scene.companion.emplace();
  do {
    choose_part(companion, choices, classes, SceneSplit::train);
  } while (companion.label == scene.lead.label);
  choose_look(companion, choices, images, options.tinted);
  const bool lead_first = choices.chance(0.5);
  const double near = choices.between(0, 0.15), far = choices.between(0.85, 1);
  const double lead_side = lead_first ? near : far, companion_side = lead_first ? far : near;
  const double lead_size = choices.between(0.5, 0.56), companion_size = choices.between(0.3, 0.36);
  choose_way(scene.lead, choices, lead_size, lead_side, lead_side);
  choose_way(companion, choices, companion_size, companion_side, companion_side);
  return scene;
}

Box place(const MovingObject& object, const Sprite& sprite, double time, const SampleShape& shape) {
  double progress = time;  // from the first position to the last
  if (object.motion == Motion::bounce) {
    const double hop = object.hops * time - std::floor(object.hops * time);
    progress = 4 * hop * (1 - hop);  // a parabola, as under gravity
  }
  const auto height = static_cast<double>(shape.height), width = static_cast<double>(shape.width);
  const auto longer = static_cast<double>(std::max<int64_t>({sprite.height, sprite.width, 1}));
  const double side = std::min(height, width);
  const auto box_of = [&](double size) {
    return Box{0, 0, size * side / longer * static_cast<double>(sprite.width),
               size * side / longer * static_cast<double>(sprite.height)};
  };
  // The centre is that of the largest size, so that the object stays inside of the frame while it grows.
  const Box largest = box_of(std::max(object.first_size, object.last_size));
  const double x = object.first_x + progress * (object.last_x - object.first_x);
  const double y = object.first_y + progress * (object.last_y - object.first_y);
  Box box = box_of(object.first_size + progress * (object.last_size - object.first_size));
  box.left = x * (width - largest.width) + (largest.width - box.width) / 2;
  box.top = y * (height - largest.height) + (largest.height - box.height) / 2;
  return box;
}

}  // namespace ditharos::data
