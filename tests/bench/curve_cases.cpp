// How the cost of a training step grows with the tokens, the width, the batch and the depth: curve/AXIS/VALUE. One
// quantity varies, the others stay at 256 tokens, width 384, 2 blocks.
#include "tests/bench/training.h"

namespace ditharos::bench {
namespace {

struct Point {
  int64_t tokens_high = 16, tokens_wide = 16, width = 384, depth = 2, batch = 4;
};

Case curve_case(const std::string& axis, int64_t value, const Point& p) {
  constexpr int64_t patch = 2, head_size = 64;
  const models::DiTConfig config{.height = patch * p.tokens_high,
                                 .width = patch * p.tokens_wide,
                                 .patch = {1, patch, patch},
                                 .hidden = p.width,
                                 .depth = p.depth,
                                 .heads = p.width / head_size};
  return training_step("curve/" + axis + "/" + std::to_string(value), config, p.batch);
}

}  // namespace

void add_curve_cases(std::vector<Case>& cases) {
  constexpr int64_t grids[][2] = {{8, 8}, {8, 16}, {16, 16}, {16, 32}, {32, 32}, {32, 64}, {64, 64}};
  for (const auto& [high, wide] : grids)
    cases.push_back(curve_case("tokens", high * wide, {.tokens_high = high, .tokens_wide = wide, .batch = 2}));
  for (const int64_t width : {128, 192, 256, 384, 512, 768, 1024, 1152})
    cases.push_back(curve_case("width", width, {.width = width}));
  for (const int64_t batch : {1, 2, 4, 8, 16, 32, 64}) cases.push_back(curve_case("batch", batch, {.batch = batch}));
  for (const int64_t depth : {1, 2, 4, 8, 12, 16, 24}) cases.push_back(curve_case("depth", depth, {.depth = depth}));
}

}  // namespace ditharos::bench
