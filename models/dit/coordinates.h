#pragma once
// Where a token lies in its clip, as features: absolute positions beside the relative ones of rotary.h.
#include <ditharos/models/dit/video_patch.h>

namespace ditharos::models {

/// Features of each axis for so many octaves: a sine and a cosine for each of three axes and each octave.
constexpr int64_t coordinate_width(int64_t octaves) { return 6 * octaves; }

/// [T, coordinate_width(octaves)], frame by frame and row by row. The middle of patch i of n along an axis has the
/// coordinate u = (i + 1/2) / n, and gives sin(pi 2^k u) and cos(pi 2^k u) for k = 0 .. octaves - 1 (Mildenhall et al.
/// 2020, equation 4); frame, row and column in turn. Coordinates are shares of the clip: "at its left edge", "at its
/// end" are the same features in clips of every length and size. Computed in double and given in `dtype`.
Tensor coordinate_features(const PatchGrid& grid, int64_t octaves, DType dtype = DType::f32);

}  // namespace ditharos::models
