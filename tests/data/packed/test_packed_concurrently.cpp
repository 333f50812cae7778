// Several writers of one folder of packed samples, and the room that packing needs.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <memory>
#include <optional>
#include <thread>

#include <ditharos/data/datasets/packed/folder_lock.h>
#include <ditharos/data/datasets/packed/write_packed.h>
#include "examples/cli/options/sample_cache.h"
#include "tests/support/data_files.h"
#include "tests/support/numbered_samples.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::tests;
namespace fs = std::filesystem;

namespace {

const data::SampleShape shape{1, 4, 6};

/// Clips of one value, whose checksum it is. Counts how often they are computed.
class Plain final : public data::DataSource {
 public:
  Plain(int value, int64_t n) : value_(value), n_(n) {}
  int64_t size() const override { return n_; }
  Tensor sample(int64_t, const data::SampleShape& s) const override {
    ++computed;
    Tensor frames({s.frames, 3, s.height, s.width}, DType::u8);
    std::fill_n(frames.mutable_data<uint8_t>(), frames.numel(), static_cast<uint8_t>(value_));
    return frames;
  }
  uint32_t checksum() const override { return uint32_t(value_); }
  mutable std::atomic<int64_t> computed = 0;

 private:
  int value_;
  int64_t n_;
};

bool all_are(const data::DataSource& samples, int value) {
  for (int64_t i = 0; i < samples.size(); ++i) {
    const Tensor sample = samples.sample(i, shape);
    if (!std::all_of(sample.data<uint8_t>(), sample.data<uint8_t>() + sample.numel(),
                     [&](uint8_t x) { return x == value; }))
      return false;
  }
  return true;
}

}  // namespace

TEST_CASE("packed concurrently: writers of different samples in one folder each get their own") {
  const TemporaryFolder folder;
  constexpr int writers = 4, rounds = 8;
  std::atomic<int> right = 0;
  std::vector<std::string> failures(writers);
  std::vector<std::thread> threads;
  for (int w = 0; w < writers; ++w)
    threads.emplace_back([&, w] {
      try {
        const Plain source(w + 1, 5 + w);
        for (int round = 0; round < rounds; ++round) {
          std::string note;
          const auto samples = data::packed(source, shape, folder / "cache", {.shard_bytes = 2 * 72}, note);
          right += samples->size() == source.size() && all_are(*samples, w + 1);
        }
      } catch (const std::exception& e) {
        failures[size_t(w)] = e.what();
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (const std::string& failure : failures) CHECK(failure == "");
  CHECK(right == writers * rounds);
}

TEST_CASE("packed concurrently: a second writer says that it waits, and takes what the first one has written") {
  const TemporaryFolder folder;
  const std::string cache = folder / "cache";
  fs::create_directories(cache);
  for (const bool equal : {true, false}) {
    CAPTURE(equal);
    const Plain first(1, 6), second(equal ? 1 : 2, 6);
    std::atomic<bool> waits = false, ended = false;
    std::string note;
    std::shared_ptr<const data::PackedDataset> samples;
    auto lock = std::make_optional<data::FolderLock>(cache);
    REQUIRE(lock->try_write());
    std::thread other([&] {
      samples = data::packed(second, shape, cache, {.waits = [&] { waits = true; }}, note);
      ended = true;
    });
    while (!waits) std::this_thread::yield();
    std::string fault;
    CHECK(data::find_packed(first, shape, cache, fault) == nullptr);
    CHECK(fault == "another process is packing samples into " + cache);
    CHECK_FALSE(ended);
    // As if the first process had packed here before it ended.
    data::write_packed(first, shape, folder / "first");
    for (const auto& file : fs::directory_iterator(folder / "first"))
      fs::copy_file(file.path(), cache + "/" + file.path().filename().string(), fs::copy_options::overwrite_existing);
    lock.reset();
    other.join();
    REQUIRE(samples);
    CHECK(all_are(*samples, equal ? 1 : 2));
    CHECK(second.computed == (equal ? 0 : 6));
    CHECK(contains(note, "are of other data") == !equal);
  }
}

TEST_CASE("packed concurrently: readers do not exclude each other, and writers exclude all") {
  const TemporaryFolder folder;
  const data::FolderLock a(folder.path()), b(folder.path()), c(folder.path());
  CHECK(a.try_read());
  CHECK(b.try_read());
  CHECK_FALSE(c.try_write());
  CHECK(data::FolderLock(folder / "none").try_write());
  write_bytes(folder / "file", "");
  CHECK(data::FolderLock(folder / "file").try_write());
}

TEST_CASE("packed concurrently: a run that has opened its samples keeps them when another one replaces the cache") {
  const TemporaryFolder folder;
  std::string note;
  const auto first = data::packed(Plain(1, 9), shape, folder / "cache", {}, note);
  const auto second = data::packed(Plain(2, 9), shape, folder / "cache", {}, note);
  CHECK(all_are(*first, 1));
  CHECK(all_are(*second, 2));
}

TEST_CASE("packed concurrently: the room for all shapes is compared before the first is packed") {
  const TemporaryFolder folder;
  const std::string cache = folder / "cache";
  const auto source = std::make_shared<Plain>(1, 10);
  const data::SampleShape large{2, 8, 8};
  const std::vector<examples::SamplesToPack> sets{{source, shape}, {source, large}};
  const auto refusal = [&](std::optional<uint64_t> free) {
    return message_of<IoError>([&] { examples::check_cache_space(sets, data::Split::train, cache, free); });
  };
  constexpr uint64_t small_bytes = 10 * 72, large_bytes = 10 * 2 * 3 * 64;
  CHECK(refusal(small_bytes + large_bytes) == "");
  CHECK(refusal(std::nullopt) == "");
  CHECK(refusal(small_bytes + large_bytes - 1) ==
        "cannot pack samples into " + cache +
            ": those of 1x4x6, 2x8x8 take 4.56 kB together, and its disk has 4.56 kB "
            "left");
  CHECK(source->computed == 0);

  // What is there already needs no room, and what is replaced gives its own.
  const std::string at = examples::packed_folder(*source, shape, data::Split::train, cache);
  std::string note;
  static_cast<void>(data::packed(*source, shape, at, {}, note));
  CHECK(data::bytes_to_pack(*source, shape, at) == 0);
  CHECK(refusal(large_bytes) == "");
  CHECK(contains(refusal(large_bytes - 1), "those of 2x8x8 take"));
  CHECK(data::bytes_to_pack(Plain(2, 10), shape, at) == 0);  // a shard also holds checksums
  CHECK(data::bytes_to_pack(Plain(2, 1000), shape, at) > 60000);
  write_bytes(at + "/index.json", "{");
  CHECK(data::bytes_to_pack(*source, shape, at) == 0);
  fs::remove(at + "/shard-00000.safetensors");
  CHECK(data::bytes_to_pack(*source, shape, at) == small_bytes);
}
