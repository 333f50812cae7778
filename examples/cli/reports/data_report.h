#pragma once
// What prepare_data prints about a set of images.
#include <string>
#include <vector>

#include <ditharos/data/datasets/image_summary.h>

namespace ditharos::examples {

/// Sizes, classes, captions, duplicates and what the crop leaves out, as lines of text. Lists are cut after `listed`
/// lines, and say how much is left. `fit` is how images get the source's native shape, if it has one.
[[nodiscard]] std::string data_report(const data::DataSource& source, const data::ImageSummary& summary, data::Fit fit,
                                      int64_t listed);

/// The first `listed` sentences, each a line that begins with two blanks, and a line that counts the others.
[[nodiscard]] std::string first_lines(const std::vector<std::string>& lines, int64_t listed);

}  // namespace ditharos::examples
