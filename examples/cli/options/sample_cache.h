#pragma once
// Packed samples of a program's images or clips, by --cache.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ditharos/data/datasets/dataset.h>
#include "examples/cli/settings.h"

namespace ditharos::examples {

/// Adds --cache to the options of the command line. `samples`: "images" or "clips".
void describe_cache(Settings& settings, std::string& cache, const std::string& samples);

/// The folder in `cache` for samples of this shape: "cache/train-64x48x3", of latents "cache/train-latents-8x6x4", of
/// several frames "cache/train-8x64x48x3".
[[nodiscard]] std::string packed_folder(const data::DataSource& source, const data::SampleShape& shape,
                                        data::Split split, const std::string& cache);
struct PackedFolder {
  std::string path;
  bool was_complete = false;  ///< all samples were there already
};
/// Packs images in their native shape there, with a progress bar, unless they are there already (data::packed).
/// ConfigError where they differ in size.
[[nodiscard]] PackedFolder pack_images(const data::DataSource& source, data::Split split, const std::string& cache);
/// The samples in this shape, read from that folder; packed first where they are not there yet (data::packed). Prints
/// why, where there were others. With `writes_nothing` the source itself where they are not there; prints what would be
/// packed.
[[nodiscard]] std::shared_ptr<const data::DataSource> cached_samples(
    const std::shared_ptr<const data::DataSource>& source, const data::SampleShape& shape, data::Split split,
    const std::string& cache, bool writes_nothing);

/// A source and the shape in which its samples are to be packed.
struct SamplesToPack {
  std::shared_ptr<const data::DataSource> source;
  data::SampleShape shape;
};
/// IoError, with both figures, where all of them together need more than `free` bytes in the cache, before any is
/// packed. `free`: of its disk (training::free_space); nothing where the system does not say.
void check_cache_space(const std::vector<SamplesToPack>& sets, data::Split split, const std::string& cache,
                       const std::optional<uint64_t>& free);

/// What the folders in `cache` for samples of this split say of damaged images; nothing for an empty name.
[[nodiscard]] std::vector<data::ImageSelection> earlier_selections(data::Split split, const std::string& cache);

}  // namespace ditharos::examples
