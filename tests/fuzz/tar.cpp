#include <ditharos/data/datasets/webdataset/web_dataset.h>
#include "tests/fuzz/fuzz.h"

namespace ditharos::tests {

void fuzz_tar(std::string_view bytes) {
  const data::WebDataset set(file_with("a.tar", bytes), data::Split::train,
                             {.mixed_sizes = true, .on_damaged = data::OnDamaged::skip, .max_pixels = fuzz_pixels});
  demand(set.size() > 0, "samples");
  for (int64_t i = 0; i < set.size(); ++i) {
    demand(set.sample(i, {1, 4, 4}).numel() == 16 * set.channels(), "an image of the size that was asked for");
    demand(set.num_classes() == 0 || (set.label(i) >= 0 && set.label(i) < set.num_classes()), "a label with a name");
    demand(set.caption(i).size() <= bytes.size(), "a caption from the archive");
  }
}

}  // namespace ditharos::tests
