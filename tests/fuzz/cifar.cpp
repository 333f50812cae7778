#include <filesystem>

#include <ditharos/data/datasets/arrays/cifar.h>
#include "tests/fuzz/fuzz.h"

namespace ditharos::tests {

/// The first byte chooses: CIFAR-10, or CIFAR-100 with fine or coarse labels. Two bytes say how many of the others are
/// class names; the rest are records, the pixels of which are filled up.
void fuzz_cifar(std::string_view bytes) {
  if (bytes.size() < 3) return;
  const bool is_10 = bytes[0] % 3 == 0, coarse = bytes[0] % 3 == 2;
  const size_t names = std::min<size_t>(static_cast<unsigned char>(bytes[1]), bytes.size() - 3);
  const std::string_view rest = bytes.substr(3 + names);
  const size_t fill = static_cast<unsigned char>(bytes[2]) % 2 == 0 ? (is_10 ? 3073 : 3074) : rest.size();
  std::string records(rest);
  records.resize((rest.size() + fill - 1) / std::max<size_t>(fill, 1) * fill, '\0');
  const std::filesystem::path folder = std::filesystem::path(file_with("a", "")).parent_path() / "cifar";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directory(folder);
  file_with("cifar/test.bin", is_10 ? "" : records);
  if (is_10) {
    std::filesystem::remove(folder / "test.bin");
    file_with("cifar/test_batch.bin", records);
  }
  file_with(is_10    ? "cifar/batches.meta.txt"
            : coarse ? "cifar/coarse_label_names.txt"
                     : "cifar/fine_label_names.txt",
            bytes.substr(3, names));
  const data::Dataset set = data::load_cifar(folder.string(), data::Split::test, {.coarse = coarse});
  demand(set.images().shape() == Shape{int64_t(records.size() / fill), 3, 32, 32}, "an image a record");
}

}  // namespace ditharos::tests
