#pragma once
// The position of a token in its clip, as features: absolute positions beside the relative ones of rotary.h.
#include <ditharos/models/dit/patch.h>

namespace ditharos::models {

/// The directions from a cell to its 26 neighbours in frames, rows and columns; of two opposite ones only the first.
inline constexpr int64_t wave_directions = 13;
/// The number of features of `bands` frequency bands: a sine and a cosine of each wave, twice.
[[nodiscard]] constexpr int64_t coordinate_width(int64_t bands) { return 2 * 2 * wave_directions * bands; }

/// [T, coordinate_width(bands)], frame by frame and row by row: plane waves through the clip, as Fourier features of
/// points in space are (Tancik et al. 2020). For each frequency band k = 0 .. bands - 1 and each direction (f, r, c) a
/// token has the sine and the cosine of pi 2^k (f u_frame + r u_row + c u_column); each band doubles the frequency.
/// Waves along one axis encode a token's position on that axis. Waves along frames and rows or columns encode motion:
/// "to the left" is one feature and not a product of two.
///
/// Spatial positions are given twice, first as shares of the frame, then as distances from its middle in units of its
/// shorter side: "at the left edge" and "half an object from the middle" have the same features in frames of every
/// size. With shares alone a model would stretch objects with the frame. The middle of patch i of n has the share
/// u = (i + 1/2) / n and lies at u = 1/2 + (i + 1/2 - n/2) / min(rows, columns); in a square frame they are equal.
/// Frames are shares of the clip both times. Computed in double and given in `dtype`.
Tensor coordinate_features(const PatchGrid& grid, int64_t bands, DType dtype = DType::f32);

}  // namespace ditharos::models
