#pragma once
// Six skies: vertical gradients of two colours that change slowly, with faint clouds or stars.
#include <cstdint>

#include <ditharos/data/synthetic/sprite.h>

namespace ditharos::data {

enum class Sky { dawn, day, sunset, dusk, night, storm };
inline constexpr int sky_count = 6;
[[nodiscard]] const char* name_of(Sky sky);  ///< "dawn"
[[nodiscard]] inline const char* to_text(Sky sky) { return name_of(sky); }

/// A linear gradient from a colour at the upper edge of a frame to one at the lower edge.
struct Gradient {
  Rgb top{}, bottom{};
};

/// The colours of a sky at an hour 0..1 of its own: dawn gets lighter, sunset darker.
[[nodiscard]] Gradient gradient_of(Sky sky, double hour);
/// The sky whose colours, at the best hour, are nearest to these by the sum of squares over both ends.
[[nodiscard]] Sky nearest_sky(const Gradient& gradient);

/// The sky of one clip.
struct SkyView {
  Sky sky = Sky::day;
  double first_hour = 0, last_hour = 1;  ///< at the first and at the last frame
  Rgb shift{};                           ///< added to both colours, for variety
  uint64_t seed = 0;                     ///< of the positions of clouds or stars
};

/// Fills the frame with the sky at `time`, 0..1 from the first to the last frame.
void paint_sky(Frame& frame, const SkyView& view, double time);

}  // namespace ditharos::data
