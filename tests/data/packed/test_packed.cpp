// Packed samples: what is written, what is read, and a writer that is killed.
#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include <ditharos/data/datasets/packed/write_packed.h>
#include <ditharos/data/loading/loader.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/io/safetensors.h>
#include "tests/support/data_files.h"
#include "tests/support/numbered_samples.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::tests;
namespace fs = std::filesystem;

namespace {

const data::SampleShape image_shape{1, 4, 6}, clip_shape{2, 3, 5};
constexpr int64_t image_bytes = 3 * 4 * 6;
const data::PackOptions small_shards{.shard_bytes = 4 * image_bytes};  // four images a shard

/// Every file of a folder with its bytes.
std::map<std::string, std::string> files_in(const std::string& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(folder))
    files[entry.path().filename().string()] = read_file(entry.path().string(), 1 << 20);
  return files;
}

void check_equal(const data::DataSource& a, const data::DataSource& b, const data::SampleShape& shape) {
  REQUIRE(a.size() == b.size());
  CHECK(a.channels() == b.channels());
  CHECK(a.dtype() == b.dtype());
  CHECK(a.class_names() == b.class_names());
  CHECK(a.checksum() == b.checksum());
  for (int64_t i = 0; i < a.size(); ++i) {
    CHECK(a.caption(i) == b.caption(i));
    if (a.num_classes() > 0) CHECK(a.label(i) == b.label(i));
    const data::Batch x = data::read_batch(a, shape, {i}), y = data::read_batch(b, shape, {i});
    CHECK(x.samples.to_vector<float>() == y.samples.to_vector<float>());
  }
}

}  // namespace

TEST_CASE("packed: samples, labels, captions and checksum are those of the source") {
  const TemporaryFolder folder;
  struct Kind {
    std::string name;
    std::shared_ptr<const data::DataSource> source;
    data::SampleShape shape;
  };
  const Kind kinds[] = {{"images", numbered_images(11), image_shape},
                        {"gray images", numbered_images(11, 1), image_shape},
                        {"images, smaller", numbered_images(11), {1, 2, 2}},
                        {"captioned clips", std::make_shared<NumberedClips>(11), clip_shape},
                        {"latents f32", std::make_shared<NumberedLatents>(11, DType::f32), {1, 2, 3}},
                        {"latents f16", std::make_shared<NumberedLatents>(11, DType::f16), {1, 2, 3}},
                        {"latents bf16", std::make_shared<NumberedLatents>(11, DType::bf16), {1, 2, 3}}};
  for (const Kind& kind : kinds) {
    for (const int64_t shard_bytes : {int64_t{1}, 3 * image_bytes, int64_t{1} << 20}) {
      CAPTURE(kind.name);
      CAPTURE(shard_bytes);
      const std::string path = folder / kind.name;
      data::write_packed(*kind.source, kind.shape, path, {.shard_bytes = shard_bytes});
      const data::PackedDataset packed(path);
      CHECK(packed.native_shape() == kind.shape);
      CHECK(packed.difference_from(*kind.source, kind.shape) == "");
      check_equal(*kind.source, packed, kind.shape);
    }
    // The last time had one shard: those of the times before are gone.
    CHECK(files_in(folder / kind.name).size() == 2);
  }
}

TEST_CASE("packed: batches of a loader are the same with and without") {
  const TemporaryFolder folder;
  const auto source = numbered_images(37);
  data::write_packed(*source, image_shape, folder.path(), small_shards);
  const data::LoaderOptions options{.batch_size = 5, .seed = 3, .horizontal_flip = true, .workers = 3};
  data::Loader direct(source, options);
  data::Loader cached(std::make_shared<data::PackedDataset>(folder.path()), options, {0, 0});
  for (int k = 0; k < 20; ++k) {
    const data::Batch a = direct.next(), b = cached.next();
    CHECK(a.indices == b.indices);
    CHECK(a.samples.to_vector<float>() == b.samples.to_vector<float>());
    CHECK(a.labels.to_vector<int64_t>() == b.labels.to_vector<int64_t>());
    CHECK(direct.cursor() == cached.cursor());
  }
}

TEST_CASE("packed: a shard is a safetensors file that other programs read") {
  const TemporaryFolder folder;
  data::write_packed(*numbered_images(6), image_shape, folder.path(), small_shards);
  const auto shard = safetensors::load(folder / "shard-00001.safetensors");
  CHECK(shard.tensors.at("samples").shape() == Shape{2, 1, 3, 4, 6});
  CHECK(shard.tensors.at("samples").data<uint8_t>()[1] == numbered_byte(4, 1));
  CHECK(shard.tensors.at("labels").to_vector<int64_t>() == std::vector<int64_t>{4, 5});
}

TEST_CASE("packed: a source is packed once, and again when it has changed") {
  const TemporaryFolder folder;
  const std::string path = folder / "cache";
  std::string note = "?";
  int reports = 0;
  data::PackOptions options = small_shards;
  options.progress = [&](int64_t done, int64_t total) {
    CHECK(done <= total);
    ++reports;
  };
  const auto open = [&](const data::DataSource& source, const data::SampleShape& shape) {
    return data::packed(source, shape, path, options, note);
  };
  CHECK(open(*numbered_images(10), image_shape)->size() == 10);
  CHECK(note == "");
  CHECK(reports == 4);  // 0, 4, 8, 10
  const auto before = files_in(path);
  CHECK(open(*numbered_images(10), image_shape)->size() == 10);
  CHECK(note == "");
  CHECK(reports == 4);  // 0, 4, 8, 10
  CHECK(files_in(path) == before);

  CHECK(open(*numbered_images(12), image_shape)->size() == 12);
  CHECK(note == "the packed samples in " + path +
                    " are of other data: its number of samples is 10, and the data have "
                    "12; they are written anew");
  check_equal(*open(*numbered_images(12, 1), image_shape), *numbered_images(12, 1), image_shape);
  CHECK(contains(note, "its samples are [1, 3, 4, 6], and the data have [1, 1, 4, 6]"));
  open(*numbered_images(12), {1, 2, 3});
  CHECK(contains(note, "its samples are [1, 1, 4, 6], and the data have [1, 3, 2, 3]"));
  const data::Dataset renamed(numbered_images(12)->images(), numbered_images(12)->labels(),
                              std::vector<std::string>(12, "x"));
  CHECK(open(renamed, {1, 2, 3})->class_names()[0] == "x");
  CHECK(contains(note, "its class names are not those of the data"));
}

TEST_CASE("packed: a changed bit in a sample is found when the set is opened, and its shard alone is written anew") {
  const TemporaryFolder folder;
  const auto source = numbered_images(10);
  data::write_packed(*source, image_shape, folder.path(), small_shards);
  const auto whole = files_in(folder.path());
  const std::string shard = folder / "shard-00001.safetensors";
  std::string bytes = read_file(shard, 1 << 20);
  bytes[bytes.size() - 1 - bytes.size() / 4] ^= 4;
  bytes.back() ^= 4;
  write_bytes(shard, bytes);
  std::string note;
  check_equal(*data::packed(*source, image_shape, folder.path(), small_shards, note), *source, image_shape);
  CHECK_MESSAGE(contains(note, "packed samples are damaged: "), note);
  CHECK(contains(note, "; they are written anew"));
  CHECK(files_in(folder.path()) == whole);
}

TEST_CASE("packed: when samples cannot be written anew, the error says why they should be") {
  const TemporaryFolder folder;
  data::write_packed(*numbered_images(10), image_shape, folder.path(), small_shards);
  std::filesystem::remove(folder / "shard-00001.safetensors");
  std::filesystem::create_directories(folder / "shard-00001.safetensors/full");
  std::string note;
  const std::string message = message_of<IoError>(
      [&] { static_cast<void>(data::packed(*numbered_images(10), image_shape, folder.path(), small_shards, note)); });
  CHECK_MESSAGE(message.starts_with("packed samples are damaged: "), message);
  CHECK(contains(message, "; they could not be written anew: "));
}

TEST_CASE("packed: a run after one that failed keeps the whole shards and ends with the same bytes") {
  const TemporaryFolder folder;
  const std::string whole = folder / "whole", broken = folder / "broken";
  data::write_packed(NumberedClips(20), clip_shape, whole, {.shard_bytes = 4 * 90});
  CHECK(message_of<IoError>([&] {
          data::write_packed(NumberedClips(20, 14), clip_shape, broken, {.shard_bytes = 4 * 90});
        }) == "clip 14 is broken");
  CHECK(files_in(broken).size() == 3);  // of five shards, and no index
  CHECK(contains(message_of<IoError>([&] { data::PackedDataset{broken}; }), "it has no index.json"));

  // Sample 2 of the first shard cannot be read any more; the shard is kept, so nobody asks for it.
  std::vector<int64_t> done;
  data::write_packed(NumberedClips(20), clip_shape, broken,
                     {.shard_bytes = 4 * 90, .progress = [&](int64_t n, int64_t) { done.push_back(n); }});
  CHECK(done == std::vector<int64_t>{0, 4, 8, 12, 16, 20});
  CHECK(files_in(broken) == files_in(whole));
  CHECK_NOTHROW(data::write_packed(NumberedClips(20, 14), clip_shape, broken, {.shard_bytes = 4 * 90}));
}

TEST_CASE("packed: a writer that is killed at any time leaves no folder that looks whole") {
  const TemporaryFolder folder;
  const NumberedClips source(200);
  const data::SampleShape shape{2, 16, 16};
  const data::PackOptions options{.shard_bytes = 10 * 2 * 3 * 16 * 16};
  const std::string whole = folder / "whole";
  data::write_packed(source, shape, whole, options);
  int unfinished = 0;
  for (int trial = 0; trial < 40; ++trial) {
    const std::string path = folder / ("killed" + std::to_string(trial / 8));
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      try {
        data::write_packed(source, shape, path, options);
      } catch (...) {
        ::_exit(1);
      }
      ::_exit(0);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(300 * trial));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (data::is_packed(path)) check_equal(data::PackedDataset(path), data::PackedDataset(whole), shape);
    else ++unfinished;
    if (trial % 8 == 7) {
      data::write_packed(source, shape, path, options);
      CHECK(files_in(path) == files_in(whole));  // no temporary is left either
    }
  }
  CHECK(unfinished > 0);
}

TEST_CASE("packed: a write that fails leaves no folder that looks whole") {
  const TemporaryFolder folder;
  const auto source = numbered_images(12);
  for (int fail_at = 1; fail_at < 40; ++fail_at) {
    const std::string path = folder / std::to_string(fail_at);
    int call = 0;
    set_io_hook([&](const char*, size_t&) { return ++call == fail_at ? ENOSPC : 0; });
    const std::string message =
        message_of<IoError>([&] { data::write_packed(*source, image_shape, path, small_shards); });
    set_io_hook(nullptr);
    if (message.empty()) {
      CHECK(call < fail_at);
      CHECK(fail_at > 12);  // four files, each with open, write, fdatasync, rename and fsync
      break;
    }
    CHECK(contains(message, path));
    data::write_packed(*source, image_shape, path, small_shards);
    check_equal(data::PackedDataset(path), *source, image_shape);
  }
}
