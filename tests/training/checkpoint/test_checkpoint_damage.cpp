// Damaged and forged checkpoints: every one is refused, and none makes a reader allocate what it claims (R5-R7).
#include <fcntl.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>

#include <doctest/doctest.h>

#include <ditharos/tensor/io/crc32c.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/random.h>
#include <ditharos/training/checkpoint/checkpoint.h>
#include <ditharos/training/checkpoint/checkpoint_record.h>
#include "tests/support/checkpoint_files.h"
#include "tests/support/checkpoint_states.h"

namespace fs = std::filesystem;
using namespace ditharos;
using namespace ditharos::tests;
using training::load_checkpoint;
using training::save_checkpoint;

namespace {

// Lets this process map only twice the file's size and 32 MiB more than now; false where that cannot be done.
bool limit_memory(uint64_t file_bytes) {
#if defined(__SANITIZE_ADDRESS__)
  (void)file_bytes;  // the sanitizer maps terabytes, and reports too large a request itself
  return true;
#else
  const uint64_t room = 2 * file_bytes + (32u << 20);
  ::malloc_trim(0);  // so that free memory of the parent's heap does not help
  uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const rlim_t limit = pages * uint64_t(::sysconf(_SC_PAGESIZE)) + room;
  const rlimit both{limit, limit};
  if (pages == 0 || ::setrlimit(RLIMIT_AS, &both) != 0) return false;
  // That the limit works:
  return ::mmap(nullptr, size_t(room + (1u << 20)), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
#endif
}

}  // namespace

TEST_CASE("R5: a checkpoint that is cut off at any length is refused") {
  const SavedFixture saved;
  for (size_t n = saved.bytes.size(); n-- > 0;) {
    CAPTURE(n);
    fs::resize_file(saved.path, n);
    REQUIRE(contains(refusal(saved.path), saved.path));
  }
}

TEST_CASE("R6: every flipped bit of a checkpoint is found, and the tensor named") {
  const SavedFixture saved;
  std::fstream file(saved.path, std::ios::binary | std::ios::in | std::ios::out);
  const auto put_byte = [&](size_t at, char byte) {
    file.seekp(std::streamoff(at));
    file.put(byte);
    file.flush();
  };
  for (size_t at = 0; at < saved.bytes.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      CAPTURE(at);
      CAPTURE(bit);
      put_byte(at, char(saved.bytes[at] ^ (1 << bit)));
      const std::string message = refusal_by([&] { load_checkpoint(saved.path); });
      REQUIRE(contains(message, saved.path));
      // In the payload only zero bytes between tensors belong to none of them.
      if (at >= saved.payload_at() && !contains(message, "should be zero")) {
        REQUIRE(contains(message, "does not fit its checksum"));
        REQUIRE(contains(message, "tensor \""));
      }
    }
    put_byte(at, saved.bytes[at]);
  }
  CHECK(refusal(saved.path).empty());
}

TEST_CASE("R6: 100,000 flipped bits in the tensors of a larger checkpoint, each found and named [slow]") {
  const tests::TemporaryFolder folder;
  const std::string path = folder / "a.ckpt";
  training::TrainState state;
  Generator rng(3);
  for (int i = 0; i < 4; ++i) state.model.push_back({"w" + std::to_string(i), rng.normal({16, 16})});
  save_checkpoint(path, state);
  std::string bytes = read_file(path, 1 << 20);
  const size_t payload = bytes.size() - 4 * 1024;
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  const auto put_byte = [&](size_t at, char byte) {
    file.seekp(std::streamoff(at));
    file.put(byte);
    file.flush();
  };
  Generator places(4);
  const std::vector<int64_t> flips = places.randint(0, 4 * 1024 * 8, {100000}).to_vector<int64_t>();
  for (const int64_t flip : flips) {
    const size_t at = payload + size_t(flip / 8);
    put_byte(at, char(bytes[at] ^ (1 << (flip % 8))));
    const std::string message = refusal_by([&] { load_checkpoint(path); });
    REQUIRE(contains(message, "tensor \"w" + std::to_string(flip / 8 / 1024) + "\" of the model"));
    put_byte(at, bytes[at]);
  }
  CHECK(refusal(path).empty());
}

TEST_CASE("R7: forged sizes in a checkpoint allocate no more than twice the file and 32 MiB") {
  const SavedFixture saved;
  // Every size field is among the small numbers of eight bytes; what is no size may be accepted.
  const bool ok = in_child([&] {
    if (!limit_memory(saved.bytes.size())) return false;
    int refused = 0;
    const int file = ::open(saved.path.c_str(), O_WRONLY);
    for (size_t at = record_bytes_at; at + 8 <= saved.record_end(); ++at) {
      if (at > record_bytes_at && at < header_bytes) continue;
      if (get<uint64_t>(saved.bytes, at) > saved.bytes.size()) continue;  // no size
      for (const uint64_t value : {uint64_t{0}, uint64_t{1}, ~uint64_t{0}, ~uint64_t{0} - 1, uint64_t{1} << 31,
                                   uint64_t{1} << 63, uint64_t{1} << 22}) {
        std::string bytes = saved.bytes;
        put(bytes, at, value);
        fix_checksums(bytes);
        if (::pwrite(file, bytes.data(), bytes.size(), 0) != ssize_t(bytes.size())) return false;
        refused += !refusal_by([&] { load_checkpoint(saved.path); }).empty();
      }
    }
    return refused > 400;
  });
  CHECK(ok);

  // The most entries that a file may name, each as small as it can be.
  constexpr int entries = int(training::max_entries);
  training::CheckpointRecord record;
  for (int i = 0; i < entries; ++i) {
    record.tensors.push_back({training::Part::model, std::to_string(i), DType::f32, {0}, 0, 0, 0});
  }
  for (const bool settings : {false, true}) {
    std::string bytes(header_bytes, '\0');
    for (int pass = 0; pass < 2; ++pass) {
      if (settings && pass == 0) {
        record.tensors.clear();
        for (int i = 0; i < entries; ++i) record.state.metadata[std::to_string(i)] = "";
        record.state.random.resize(entries);
      }
      bytes.resize(header_bytes);
      bytes += training::encode(record);
      const size_t length = bytes.size() - header_bytes;
      bytes.resize((bytes.size() + 63) / 64 * 64);
      for (auto& tensor : record.tensors) tensor.offset = bytes.size();
      put(bytes, record_bytes_at, uint64_t(length));
    }
    std::memcpy(bytes.data(), "ditharos", 8);
    put(bytes, format_at, uint32_t(1));
    fix_checksums(bytes);
    write_bytes(saved.path, bytes);
    CHECK(in_child([&] {
      if (!limit_memory(bytes.size())) return false;
      const training::TrainState state = load_checkpoint(saved.path);
      return state.model.size() + state.metadata.size() == entries;
    }));
  }
}

TEST_CASE("checkpoint: forged metadata that its checksums fit is refused") {
  SavedFixture saved;
  const auto forged = [&](const std::function<void(training::CheckpointRecord&)>& change, const char* surplus = "") {
    training::CheckpointRecord record =
        training::decode(saved.bytes.substr(header_bytes, saved.record_end() - header_bytes), 1);
    change(record);
    const std::string encoded = training::encode(record) + surplus;
    REQUIRE(encoded.size() + header_bytes <= saved.payload_at());
    std::string bytes = saved.bytes;
    std::fill(bytes.begin() + header_bytes, bytes.begin() + std::ptrdiff_t(saved.payload_at()), '\0');
    std::copy(encoded.begin(), encoded.end(), bytes.begin() + header_bytes);
    put(bytes, record_bytes_at, uint64_t(encoded.size()));
    fix_checksums(bytes);
    write_bytes(saved.path, bytes);
    return refusal(saved.path);
  };
  CHECK(forged([](auto&) {}).empty());
  CHECK(contains(forged([](auto&) {}, "?"), "1 bytes too many"));
  CHECK(contains(forged([](auto& r) { r.tensors[0].offset += 64; }), "claims to start at"));
  CHECK(contains(forged([](auto& r) { r.tensors[0].bytes -= 4; }), "claims 20 bytes"));
  CHECK(contains(forged([](auto& r) { r.tensors[0].shape[0] = -3; }), "impossible shape"));
  CHECK(contains(forged([](auto& r) { r.tensors[3].shape[1] = int64_t{1} << 60; }), "impossible shape"));
  CHECK(contains(forged([](auto& r) { r.tensors[0].shape[0] = int64_t{1} << 40; }), "claims 24 bytes"));
  CHECK(contains(forged([](auto& r) { r.tensors[0].dtype = DType::f64; }), "claims 24 bytes"));
  CHECK(contains(forged([](auto& r) { r.tensors[4].name = r.tensors[5].name; }), "comes twice"));
  CHECK(contains(forged([](auto& r) { r.tensors.pop_back(); }), "damaged checkpoint"));
  CHECK(contains(forged([](auto& r) { r.tensors[0].crc ^= 1; }), "tensor \"blocks.0.attn.qkv.weight\" of the model"));
  CHECK(contains(forged([](auto& r) { r.tensors[6].crc ^= 1; }), "tensor \"blocks.0.attn.qkv.weight\" of the ema"));

  // What is no bool would be undefined behaviour if it were let in as one, even where the checksum fits.
  const char flags[3] = {0, 1, 2};
  forged([&](auto& r) {
    REQUIRE(r.tensors[5].name == "flags");
    r.tensors[5].crc = crc32c(flags, 3);
    std::copy(flags, flags + 3, saved.bytes.begin() + std::ptrdiff_t(r.tensors[5].offset));
  });
  CHECK(contains(refusal(saved.path), "tensor \"flags\" of the model holds values that are neither true nor false"));
}
