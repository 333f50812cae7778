#include "examples/cli/options/sample_cache.h"

#include <filesystem>

#include <ditharos/data/datasets/packed/write_packed.h>
#include <ditharos/training/run/disk_space.h>
#include "examples/cli/program.h"
#include "examples/cli/progress.h"

namespace ditharos::examples {
namespace {

/// data::packed with a bar that appears when samples are packed; prints its note. `wrote`: whether any were.
std::shared_ptr<const data::DataSource> packed_with_bar(const data::DataSource& source, const data::SampleShape& shape,
                                                        const std::string& folder, bool& wrote) {
  std::unique_ptr<Progress> bar;
  const data::PackOptions options{.progress =
                                      [&](int64_t done, int64_t total) {
                                        if (!bar) bar = std::make_unique<Progress>(0, total, "packed sample");
                                        else bar->update(done);
                                        if (done == total) bar->finish();
                                      },
                                  .waits =
                                      [&] {
                                        print_notes({"another process is packing samples into " + folder +
                                                     ", or comparing those that are there: waiting for it"});
                                      }};
  std::string note;
  const auto samples = data::packed(source, shape, folder, options, note);
  if (!note.empty()) print_notes({note});
  wrote = bar != nullptr;
  return samples;
}

}  // namespace

void describe_cache(Settings& settings, std::string& cache, const std::string& samples) {
  settings.options().add("cache", cache,
                         "read " + samples +
                             " from this folder, where each is decoded and resized once, by this "
                             "program" +
                             (samples == "images" ? " or by prepare_data" : "") +
                             ", and latents, where each "
                             "is encoded once: for sets that are larger than memory. Results do not depend on it");
}

std::string packed_folder(const data::DataSource& source, const data::SampleShape& shape, data::Split split,
                          const std::string& cache) {
  const std::string name = name_of(split) + std::string(is_floating(source.dtype()) ? "-latents-" : "-") +
                           (shape.frames > 1 ? std::to_string(shape.frames) + "x" : "") + std::to_string(shape.height) +
                           "x" + std::to_string(shape.width) + "x" + std::to_string(source.channels());
  return (std::filesystem::path(cache) / name).string();
}

PackedFolder pack_images(const data::DataSource& source, data::Split split, const std::string& cache) {
  const std::optional<data::SampleShape> shape = source.native_shape();
  check<ConfigError>(shape.has_value(), "the images differ in size and cannot be packed: give a size with --size");
  PackedFolder packed{.path = packed_folder(source, *shape, split, cache)};
  bool wrote = false;
  static_cast<void>(packed_with_bar(source, *shape, packed.path, wrote));
  packed.was_complete = !wrote;
  return packed;
}

std::shared_ptr<const data::DataSource> cached_samples(const std::shared_ptr<const data::DataSource>& source,
                                                       const data::SampleShape& shape, data::Split split,
                                                       const std::string& cache, bool writes_nothing) {
  const std::string folder = packed_folder(*source, shape, split, cache);
  if (writes_nothing) {
    std::string note;
    const auto samples = data::find_packed(*source, shape, folder, note);
    if (!note.empty()) print_notes({note});
    if (samples) return samples;
    const auto bytes = double(data::packed_bytes(*source, shape));
    const char* what = is_floating(source->dtype()) ? " latents, " : shape.frames > 1 ? " clips, " : " images, ";
    print_notes({"the run would pack " + std::to_string(source->size()) + what + training::bytes_text(bytes) +
                 ", into " + folder});
    return source;
  }
  bool wrote = false;
  return packed_with_bar(*source, shape, folder, wrote);
}

void check_cache_space(const std::vector<SamplesToPack>& sets, data::Split split, const std::string& cache,
                       const std::optional<uint64_t>& free) {
  uint64_t needed = 0;
  std::string shapes;
  for (const SamplesToPack& set : sets) {
    const uint64_t bytes =
        data::bytes_to_pack(*set.source, set.shape, packed_folder(*set.source, set.shape, split, cache));
    if (bytes > 0) shapes += (shapes.empty() ? "" : ", ") + data::to_text(set.shape);
    needed += bytes;
  }
  check<IoError>(!free || needed <= *free, "cannot pack samples into ", cache, ": those of ", shapes, " take ",
                 training::bytes_text(double(needed)), " together, and its disk has ",
                 training::bytes_text(double(free.value_or(0))), " left");
}

std::vector<data::ImageSelection> earlier_selections(data::Split split, const std::string& cache) {
  if (cache.empty()) return {};
  return data::packed_selections(cache, name_of(split) + std::string("-"));
}

}  // namespace ditharos::examples
