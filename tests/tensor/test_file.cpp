// Files written whole or not at all (R4), and the checksum.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <numeric>

#include <doctest/doctest.h>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/crc32c.h>
#include <ditharos/tensor/io/file.h>
#include "tests/support/temporary_folder.h"

namespace ditharos::test_file {

namespace fs = std::filesystem;

namespace {

void write_text(const std::string& path, const std::string& text) {
  AtomicFile file(path);
  file.write(text.data(), text.size());
  file.commit();
}

size_t count_entries(const std::string& directory) {
  return size_t(std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
}

// The message of the IoError that f throws; empty when it throws none.
template <class F>
std::string io_error(F&& f) {
  try {
    f();
  } catch (const IoError& e) {
    return e.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

struct HookGuard {
  explicit HookGuard(IoHook hook) { set_io_hook(std::move(hook)); }
  ~HookGuard() { set_io_hook({}); }
};

}  // namespace

TEST_CASE("crc32c: check value, continuation, every length and alignment") {
  CHECK(crc32c("123456789", 9) == 0xE3069283u);
  CHECK(crc32c("", 0) == 0u);
  const std::string zeros(32, '\0');
  CHECK(crc32c(zeros.data(), 32) == 0x8A9136AAu);  // RFC 3720, B.4
  const std::string ones(32, '\xff');
  CHECK(crc32c(ones.data(), 32) == 0x62A8AB43u);

  std::string text(100, ' ');
  std::iota(text.begin(), text.end(), '\1');
  const auto bitwise = [](const char* p, size_t n) {
    uint32_t crc = ~0u;
    for (size_t i = 0; i < n; ++i) {
      crc ^= uint8_t(p[i]);
      for (int b = 0; b < 8; ++b) crc = (crc >> 1) ^ ((crc & 1) ? 0x82f63b78u : 0);
    }
    return ~crc;
  };
  for (size_t begin = 0; begin < 9; ++begin) {
    for (size_t n = 0; n + begin <= text.size(); ++n) {
      REQUIRE(crc32c(text.data() + begin, n) == bitwise(text.data() + begin, n));
      REQUIRE(crc32c(text.data() + n, begin, crc32c(text.data(), n)) == bitwise(text.data(), n + begin));
    }
  }
}

TEST_CASE("AtomicFile: commit replaces, destruction without commit leaves everything as it was") {
  const tests::TemporaryFolder folder;
  const std::string path = folder / "a.txt";
  write_text(path, "old");
  CHECK(read_file(path, 3) == "old");
  {
    AtomicFile file(path);
    file.write("new", 3);
    CHECK(file.size() == 3);
    CHECK(read_file(path, 100) == "old");
    CHECK(count_entries(folder.path()) == 2);
  }
  CHECK(read_file(path, 100) == "old");
  CHECK(count_entries(folder.path()) == 1);
  write_text(path, "");
  CHECK(read_file(path, 100).empty());
  CHECK(count_entries(folder.path()) == 1);

  AtomicFile file(path);
  file.write("x", 1);
  file.commit();
  CHECK_THROWS_AS(file.commit(), Error);
  CHECK_THROWS_AS(file.write("x", 1), Error);
}

TEST_CASE("AtomicFile: keeps permissions and symbolic links, refuses what is no regular file") {
  const tests::TemporaryFolder folder;
  const std::string path = folder / "a.txt", link = folder / "link";
  write_text(path, "old");
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
  fs::create_symlink(path, link);
  write_text(link, "new");
  CHECK(fs::is_symlink(link));
  CHECK(read_file(path, 100) == "new");
  CHECK(fs::status(path).permissions() == (fs::perms::owner_read | fs::perms::owner_write));

  CHECK(contains(io_error([&] { write_text(folder.path(), "x"); }), "not a regular file"));
  CHECK(contains(io_error([&] { write_text("/dev/full", "x"); }), "/dev/full: it is not a regular file"));
  CHECK(fs::is_character_file("/dev/full"));
  const std::string missing = folder / "no/such/file";
  const std::string message = io_error([&] { write_text(missing, "x"); });
  CHECK(contains(message, missing));
  CHECK(contains(message, "No such file or directory"));
}

TEST_CASE("AtomicFile: whichever call fails, the old file stays and no temporary is left") {
  const tests::TemporaryFolder folder;
  const std::string path = folder / "a.txt";
  write_text(path, "old");
  const std::string big(10000, 'n');
  // Writes come in pieces of 1,000 bytes here, so that several of them can fail.
  int calls = 0, fail_at = 0;
  std::string failed_call;
  const HookGuard guard([&](const char* call, size_t& bytes) {
    bytes = std::min(bytes, size_t(1000));
    if (++calls != fail_at) return 0;
    failed_call = call;
    return ENOSPC;
  });
  int failures = 0;
  for (fail_at = 1;; ++fail_at) {
    calls = 0;
    failed_call.clear();
    const std::string message = io_error([&] { write_text(path, big); });
    if (message.empty()) break;
    ++failures;
    CHECK(contains(message, path));
    CHECK(contains(message, "No space left on device"));
    CHECK(count_entries(folder.path()) == 1);
    // Once renamed, the new file is there; the message says that only its durability is in doubt.
    CHECK(read_file(path, 100000) == (failed_call == "fsync" ? big : "old"));
    if (failed_call == "fsync") {
      CHECK(contains(message, "wrote "));
      fail_at = 1000;  // the next round runs without a fault
    }
  }
  CHECK(failures == 14);  // open, 10 writes, fdatasync, rename, fsync
  CHECK(read_file(path, 100000) == big);
}

TEST_CASE("AtomicFile: interrupted and short writes go on") {
  const tests::TemporaryFolder folder;
  const std::string path = folder / "a.txt";
  std::string text(5000, ' ');
  for (size_t i = 0; i < text.size(); ++i) text[i] = char(i % 251);
  int calls = 0;
  {
    const HookGuard guard([&](const char*, size_t& bytes) {
      bytes = std::min(bytes, size_t(7));
      return ++calls % 2 == 0 ? EINTR : 0;
    });
    write_text(path, text);
  }
  CHECK(calls > 1400);
  CHECK(read_file(path, 5000) == text);
}

TEST_CASE("AtomicFile: a real limit on the file size is an error, the old file stays") {
  const tests::TemporaryFolder folder;
  const std::string path = folder / "a.txt";
  write_text(path, "old");
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{4096, 4096};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const std::string big(10000, 'n');
    // The first write is cut short at the limit, the second one fails.
    ::_exit(contains(io_error([&] { write_text(path, big); }), "at byte 4096): File too large") ? 0 : 1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
  CHECK(read_file(path, 100) == "old");
  CHECK(count_entries(folder.path()) == 1);
}

TEST_CASE("sweep_temporaries: removes what dead writers left, and nothing else") {
  const tests::TemporaryFolder folder;
  const std::string path = folder / "a.txt";
  write_text(path, "old");
  const pid_t child = ::fork();
  if (child == 0) {
    AtomicFile file(path);
    file.write("new", 3);
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(count_entries(folder.path()) == 2);

  AtomicFile living(path);
  living.write("newer", 5);
  const auto removed = sweep_temporaries(folder.path());
  REQUIRE(removed.size() == 1);
  CHECK(contains(removed[0], std::to_string(child)));
  CHECK(sweep_temporaries(folder.path()).empty());
  living.commit();
  CHECK(read_file(path, 100) == "newer");
  CHECK(count_entries(folder.path()) == 1);
  CHECK(sweep_temporaries(folder / "missing").empty());
}

TEST_CASE("read_file and InputFile: limits, missing files, folders") {
  const tests::TemporaryFolder folder;
  const std::string path = folder / "a.txt";
  write_text(path, "0123456789");
  CHECK(contains(io_error([&] { read_file(path, 9); }), "more than the 9"));
  CHECK(contains(io_error([&] { read_file(folder / "none", 9); }), "none: No such file or directory"));
  CHECK(contains(io_error([&] { read_file(folder.path(), 9); }), "not a regular file"));

  const InputFile file(path);
  char two[2];
  file.read(8, two, 2);
  CHECK(std::string(two, 2) == "89");
  CHECK(contains(io_error([&] { file.read(9, two, 2); }), "it ends at byte 10"));
  CHECK(contains(io_error([&] { file.read(~uint64_t{0}, two, 2); }), "it ends at byte 10"));
  fs::resize_file(path, 5);
  CHECK(contains(io_error([&] { file.read(8, two, 2); }), "has become shorter"));
}

}  // namespace ditharos::test_file
