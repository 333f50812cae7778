// Packed samples keep which images of their source are damaged, so that the next opening need not decode any.
#include <doctest/doctest.h>

#include <cerrno>
#include <filesystem>
#include <map>

#include <nlohmann/json.hpp>

#include <ditharos/data/datasets/images/image_files.h>
#include <ditharos/data/datasets/packed/write_packed.h>
#include <ditharos/tensor/io/crc32c.h>
#include <ditharos/tensor/io/file.h>
#include "tests/data/damaged_images.h"
#include "tests/support/data_files.h"
#include "tests/support/numbered_samples.h"
#include "tests/support/temporary_folder.h"

namespace ditharos::test_packed_selection {

using namespace ditharos::tests;
namespace fs = std::filesystem;
using data::ImageFiles;
using data::OnDamaged;

namespace {

const data::SampleShape shape{1, 6, 8};

/// Nine images, of which two cannot be decoded.
void write_images(const std::string& folder) {
  fs::create_directories(folder);
  for (int i = 0; i < 9; ++i) {
    const std::string png = png_bytes(10 + 20 * i, 3, 6, 8);
    write_bytes(folder + "/" + std::to_string(i) + ".png", i == 3 || i == 5 ? with_damaged_pixels(png) : png);
  }
}
ImageFiles open(const std::string& images, const std::string& cache, OnDamaged on_damaged = OnDamaged::skip) {
  return ImageFiles(images, data::Split::train,
                    {.on_damaged = on_damaged, .memory_bytes = 0, .earlier = data::packed_selections(cache, "train-")});
}
std::map<std::string, fs::file_time_type> times_in(const std::string& folder) {
  std::map<std::string, fs::file_time_type> times;
  for (const auto& entry : fs::directory_iterator(folder))
    times[entry.path().filename().string()] = entry.last_write_time();
  return times;
}
nlohmann::json index_of(const std::string& folder) {
  return nlohmann::json::parse(read_file(folder + "/index.json", 1 << 20));
}
/// Rewrites an index as a writer of version 1 would have written it.
void make_version_1(const std::string& folder) {
  nlohmann::json index = index_of(folder);
  index["version"] = 1;
  index.erase("images");
  index.erase("checksum");
  const std::string text = index.dump();
  index["checksum"] = crc32c(text.data(), text.size());
  write_bytes(folder + "/index.json", index.dump(1) + "\n");
}

/// Images with a selection of any size.
class Selected final : public NumberedClips {
 public:
  explicit Selected(data::ImageSelection selection) : NumberedClips(4), selection_(std::move(selection)) {}
  std::optional<data::ImageSelection> image_selection() const override { return selection_; }

 private:
  data::ImageSelection selection_;
};

}  // namespace

TEST_CASE("packed selection: the index names damaged images, and the next opening decodes none") {
  const TemporaryFolder folder;
  const std::string images = folder / "images", cache = folder / "cache", samples = cache + "/train-6x8x3";
  write_images(images);
  std::string note;
  const ImageFiles first = open(images, cache);
  CHECK(first.decodings() == 9);
  const auto packed = data::packed(first, shape, samples, {}, note);
  CHECK(*packed->image_selection() == *first.image_selection());
  const nlohmann::json damaged = index_of(samples)["images"]["damaged"];
  REQUIRE(damaged.size() == 2);
  CHECK(damaged[1]["name"] == "5.png");
  CHECK(first.skipped()[1] == "cannot read " + images + "/5.png: " + damaged[1]["reason"].get<std::string>());

  const auto before = times_in(samples);
  const ImageFiles second = open(images, cache);
  CHECK(data::packed(second, shape, samples, {}, note)->size() == 7);
  CHECK(note == "");
  CHECK(second.decodings() == 0);
  CHECK(second.skipped() == first.skipped());
  CHECK(times_in(samples) == before);

  // Another size needs samples of its own, and whether the files are damaged is known.
  const ImageFiles smaller(images, data::Split::train,
                           {.height = 3,
                            .width = 3,
                            .on_damaged = OnDamaged::skip,
                            .memory_bytes = 0,
                            .earlier = data::packed_selections(cache, "train-")});
  CHECK(smaller.decodings() == 0);
  CHECK(smaller.skipped() == first.skipped());
  CHECK(data::packed_selections(cache, "test-").empty());
  CHECK(data::packed_selections(folder / "nothing", "").empty());
}

TEST_CASE("packed selection: samples that are packed with `stop` are known to be sound") {
  const TemporaryFolder folder;
  const std::string images = folder / "images", cache = folder / "cache";
  write_images(images);
  for (const char* name : {"/3.png", "/5.png"}) fs::remove(images + name);
  std::string note;
  static_cast<void>(data::packed(open(images, cache, OnDamaged::stop), shape, cache + "/train-a", {}, note));
  CHECK(open(images, cache).decodings() == 0);
}

TEST_CASE("packed selection: a change of the damaged images alone writes the index and leaves the samples") {
  const TemporaryFolder folder;
  const std::string images = folder / "images", cache = folder / "cache", samples = cache + "/train-6x8x3";
  write_images(images);
  std::string note;
  static_cast<void>(data::packed(open(images, cache), shape, samples, {}, note));
  const auto before = times_in(samples);
  write_bytes(images + "/5.png", with_damaged_pixels(png_bytes(77, 3, 6, 8)));
  const ImageFiles changed = open(images, cache);
  CHECK(changed.decodings() == 9);
  const auto updated = data::packed(changed, shape, samples, {}, note);
  CHECK(note == "");
  CHECK(*updated->image_selection() == *changed.image_selection());
  auto after = times_in(samples);
  CHECK(after.at("shard-00000.safetensors") == before.at("shard-00000.safetensors"));
  CHECK(after.at("index.json") != before.at("index.json"));
  CHECK(changed.decodings() == 9);  // none of them for the samples
  CHECK(open(images, cache).decodings() == 0);

  // Repaired, it is a sample: the checksum of the data is another one.
  write_bytes(images + "/5.png", png_bytes(77, 3, 6, 8));
  CHECK(data::packed(open(images, cache), shape, samples, {}, note)->size() == 8);
  CHECK(contains(note, "are of other data: its number of samples is 7, and the data have 8; they are written anew"));
  CHECK(open(images, cache).decodings() == 0);
}

TEST_CASE("packed selection: an index of version 1 is read, and gets the selection") {
  const TemporaryFolder folder;
  const std::string images = folder / "images", cache = folder / "cache", samples = cache + "/train-6x8x3";
  write_images(images);
  std::string note;
  static_cast<void>(data::packed(open(images, cache), shape, samples, {}, note));
  const std::string index = read_file(samples + "/index.json", 1 << 20);
  make_version_1(samples);
  CHECK_FALSE(data::PackedDataset(samples).image_selection());
  CHECK(data::packed_selections(cache, "train-").empty());
  const ImageFiles set = open(images, cache);
  CHECK(set.decodings() == 9);

  // Where it cannot be written, the samples are read all the same.
  set_io_hook([](const char*, size_t&) { return EROFS; });
  const auto read_only = data::packed(set, shape, samples, {}, note);
  set_io_hook(nullptr);
  CHECK(read_only->size() == 7);
  CHECK(contains(note, "do not say which images are damaged, so the next start decodes all images again: "));

  static_cast<void>(data::packed(set, shape, samples, {}, note));
  CHECK(note == "");
  CHECK(set.decodings() == 9);
  CHECK(read_file(samples + "/index.json", 1 << 20) == index);
}

TEST_CASE("packed selection: a damaged index says nothing") {
  const TemporaryFolder folder;
  const std::string images = folder / "images", cache = folder / "cache", samples = cache + "/train-6x8x3";
  write_images(images);
  std::string note;
  static_cast<void>(data::packed(open(images, cache), shape, samples, {}, note));
  std::string index = read_file(samples + "/index.json", 1 << 20);
  index.replace(index.find("5.png"), 5, "6.png");
  write_bytes(samples + "/index.json", index);
  CHECK(data::packed_selections(cache, "train-").empty());
  const ImageFiles set = open(images, cache);
  CHECK(set.decodings() == 9);
  CHECK(data::packed(set, shape, samples, {}, note)->size() == 7);
  CHECK(contains(note, "packed samples are damaged: "));
  CHECK(set.decodings() == 9);  // the shards are whole
  CHECK(open(images, cache).decodings() == 0);
}

TEST_CASE("packed selection: one that is too long is not kept, and one that is not UTF-8 is refused") {
  const TemporaryFolder folder;
  const data::SampleShape clip{2, 3, 5};
  data::ImageSelection selection{5, {{"a", 1, "b"}}};
  data::write_packed(Selected(selection), clip, folder / "a");
  CHECK(*data::PackedDataset(folder / "a").image_selection() == selection);
  for (int i = 0; i < 10000; ++i) selection.damaged.push_back({"image " + std::to_string(i), 1, "the file is cut off"});
  data::write_packed(Selected(selection), clip, folder / "b");
  CHECK_FALSE(data::PackedDataset(folder / "b").image_selection());
  std::string note;
  const auto before = times_in(folder / "b");
  static_cast<void>(data::packed(Selected(selection), clip, folder / "b", {}, note));
  CHECK(times_in(folder / "b") == before);
  CHECK(contains(
      message_of<ConfigError>([&] { data::write_packed(Selected({5, {{"caf\xe9", 1, "b"}}}), clip, folder / "c"); }),
      "is not UTF-8"));
}

TEST_CASE("find_packed: finds what packed() would use, says why not, and writes nothing") {
  const TemporaryFolder folder;
  const std::string path = folder / "cache";
  const NumberedClips source(4), other(5);
  const data::SampleShape clip{2, 3, 5};
  std::string fault = "?";
  CHECK(data::find_packed(source, clip, path, fault) == nullptr);
  CHECK(fault == "");
  CHECK_FALSE(fs::exists(path));
  CHECK(data::packed_bytes(source, clip) == 4 * 2 * 3 * 3 * 5);
  CHECK(data::packed_bytes(NumberedLatents(3, DType::f16), {1, 2, 3}) == 3 * 4 * 2 * 3 * 2);
  data::write_packed(source, clip, path);
  const auto before = times_in(path);
  CHECK(data::find_packed(source, clip, path, fault)->size() == 4);
  CHECK(fault == "");
  CHECK(data::find_packed(other, clip, path, fault) == nullptr);
  CHECK(fault ==
        "the packed samples in " + path + " are of other data: its number of samples is 4, and the data have 5");
  CHECK(times_in(path) == before);
  fs::resize_file(path + "/shard-00000.safetensors", 9);
  CHECK(data::find_packed(source, clip, path, fault) == nullptr);
  CHECK(contains(fault, "packed samples are damaged: " + path + "/shard-00000.safetensors has 9 bytes, and the index"));
}

}  // namespace ditharos::test_packed_selection
