// Batches of 64 images from files, decoded and resized to 64x64 by the loader's workers, and from packed samples. The
// environment variable DITHAROS_BENCH_IMAGES names the folder of images, which tests/bench/make_images.py makes;
// without it there are no such cases. The packed samples are written beside it, once.
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include <ditharos/data/datasets/images/image_files.h>
#include <ditharos/data/datasets/packed/write_packed.h>
#include <ditharos/data/loading/loader.h>
#include "tests/bench/bench.h"

namespace ditharos::bench {
namespace {

constexpr int64_t side = 64, batch_size = 64, batches = 32;

/// The images of a folder, read from their files whenever they are needed.
std::shared_ptr<const data::DataSource> files_in(const std::string& folder) {
  return std::make_shared<data::ImageFiles>(
      folder, data::Split::train,
      data::ImageFilesOptions{.channels = 3, .height = side, .width = side, .memory_bytes = 0});
}

std::shared_ptr<const data::DataSource> packed_beside(const std::string& folder) {
  const std::string cache = std::filesystem::path(folder).lexically_normal().string() + "-packed";
  std::string note;
  return data::packed(*files_in(folder), {1, side, side}, cache, {}, note);
}

Work read_batches(std::shared_ptr<const data::DataSource> source, int64_t workers) {
  const auto loader = std::make_shared<data::Loader>(std::move(source),
                                                     data::LoaderOptions{.batch_size = batch_size, .workers = workers});
  return {.run =
              [loader] {
                for (int64_t k = 0; k < batches; ++k) static_cast<void>(loader->next());
              },
          .items = double(batches * batch_size)};
}

}  // namespace

void add_loading_cases(std::vector<Case>& cases) {
  const char* folder = std::getenv("DITHAROS_BENCH_IMAGES");
  if (folder == nullptr) return;
  for (const int64_t workers : {1, 2}) {
    const std::string suffix = "/" + std::to_string(workers) + (workers == 1 ? "_worker" : "_workers"), path = folder;
    cases.push_back({"loading/files" + suffix, [=] { return read_batches(files_in(path), workers); }});
    cases.push_back({"loading/packed" + suffix, [=] { return read_batches(packed_beside(path), workers); }});
  }
}

}  // namespace ditharos::bench
