#pragma once
// Rotary position embeddings over frames, rows and columns: the tables with which rope() rotates queries and keys.
#include <ditharos/models/dit/patch.h>
#include <ditharos/nn/attention.h>

namespace ditharos::models {

/// How many of a head's pairs of elements each axis rotates.
struct RotaryPairs {
  int64_t frames = 0, rows = 0, columns = 0;
  friend bool operator==(const RotaryPairs&, const RotaryPairs&) = default;
};
/// Three eighths of a head's head_size / 2 pairs, rounded down but at least one, for rows and as many for columns; the
/// rest for frames. A head of 32 has 16 pairs: 4, 6 and 6. `head_size` is even and at least 6.
[[nodiscard]] RotaryPairs rotary_pairs(int64_t head_size);

using nn::RotaryTable;
/// The table of a clip's tokens, frame by frame and row by row. For the token in frame f, row r and column c, pair i of
/// an axis' n pairs is rotated by f (or r, or c) times base^(-i/n) (Su et al. 2021, equation 15, for each axis by
/// itself). Positions count patches from 0. Attention depends on their differences alone, so one set of weights serves
/// clips of any length and size. A base of 100, against 10000 for text, suits axes of some tens of patches. Computed in
/// double and given in `dtype`.
[[nodiscard]] RotaryTable rotary_table(const PatchGrid& grid, int64_t head_size, double base, DType dtype = DType::f32);
/// The same with interleaved pairs, the first half of a head's for rows and the second for columns, as LightningDiT
/// (Yao et al. 2025) and EVA-02 have them; the frames of a clip have the same positions. `head_size` is divisible by 4.
[[nodiscard]] RotaryTable spatial_rotary_table(const PatchGrid& grid, int64_t head_size, double base,
                                               DType dtype = DType::f32);
/// The table followed by `tokens` tokens that are not rotated.
[[nodiscard]] RotaryTable with_unrotated(const RotaryTable& table, int64_t tokens);

}  // namespace ditharos::models
