#include "examples/cli/reports/clip_grid.h"

#include <algorithm>

#include <ditharos/autograd/ops.h>
#include <ditharos/data/image/image_grid.h>

namespace ditharos::examples {

void save_clip_grid(const std::string& path, const Tensor& clips, const std::vector<std::string>& prompts,
                    int64_t columns, int64_t scale) {
  const int64_t frames = clips.size(1);
  columns = std::min(columns, frames);
  std::vector<Tensor> shown;
  for (int64_t b = 0; b < clips.size(0); ++b)
    for (int64_t i = 0; i < columns; ++i)
      shown.push_back(select(select(clips, 0, b), 0, columns == 1 ? 0 : i * (frames - 1) / (columns - 1)));
  data::save_grid(
      path, stack(shown, 0),
      {.columns = columns, .scale = scale, .row_labels = prompts, .label_place = data::GridOptions::LabelPlace::above});
}

}  // namespace ditharos::examples
