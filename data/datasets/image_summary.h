#pragma once
// What a set of images holds: sizes, classes, captions, duplicates, and what a crop leaves of them.
#include <cstdint>
#include <string>
#include <vector>

#include <ditharos/data/datasets/images/image_files.h>

namespace ditharos::data {

/// Images of one size.
struct ImageSize {
  int64_t height = 0, width = 0;
  int64_t count = 0;
};

struct ImageSummary {
  int64_t samples = 0;
  int64_t images = 0;  ///< different ones by their names, which samples with several captions share
  int64_t channels = 0;
  /// Sizes of the images before they are resized, the most frequent first. Of equal frequency the larger first.
  std::vector<ImageSize> sizes;
  ImageSize smallest, median, largest;  ///< by number of pixels

  std::vector<int64_t> class_counts;  ///< samples of each class

  int64_t captions = 0;          ///< samples with a caption of their own, which is not the name of their class
  int64_t missing_captions = 0;  ///< the other samples, where some have one
  int64_t shortest_caption = 0, median_caption = 0, longest_caption = 0;  ///< in characters

  /// Images of equal bytes (of the files, or of the pixels), by the first sample of each, in ascending order.
  std::vector<std::vector<int64_t>> duplicates;
  int64_t surplus = 0;    ///< images that have an equal one before them
  int64_t conflicts = 0;  ///< groups of equal images with different classes

  double lost = 0;       ///< mean share of an image's pixels that the crop leaves out
  int64_t enlarged = 0;  ///< images with fewer rows or columns than the samples
};

/// Summarizes the images of a source. `fit` is how they were brought to the source's native shape. Reads files again
/// only where their checksums are equal; of a source that is not DecodedImages, every sample is read. IoError where a
/// file cannot be read.
[[nodiscard]] ImageSummary summarize_images(const DataSource& source, Fit fit = Fit::crop);

/// The name of sample i in messages: its file, relative to the folder of the set, or its shard and member, else
/// "image 7".
[[nodiscard]] std::string sample_name(const DataSource& source, int64_t i);

}  // namespace ditharos::data
