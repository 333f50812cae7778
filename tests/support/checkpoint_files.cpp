#include "tests/support/checkpoint_files.h"

#include <sys/wait.h>
#include <unistd.h>

#include <ditharos/tensor/io/crc32c.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/training/checkpoint/checkpoint.h>
#include "tests/support/checkpoint_states.h"

namespace ditharos::tests {

SavedFixture::SavedFixture() {
  training::save_checkpoint(path, fixture_state());
  bytes = read_file(path, 1 << 20);
}

void fix_checksums(std::string& bytes) {
  const uint64_t length = get<uint64_t>(bytes, record_bytes_at);
  if (length <= bytes.size() - header_bytes) {
    put(bytes, record_crc_at, crc32c(bytes.data() + header_bytes, size_t(length)));
  }
  put(bytes, header_crc_at, crc32c(bytes.data(), header_crc_at));
}

std::string refusal_by(const std::function<void()>& f) {
  try {
    f();
  } catch (const IoError& e) {
    return e.what();
  }
  return "";
}

std::string refusal(const std::string& path) {
  const std::string loading = refusal_by([&] { training::load_checkpoint(path); });
  const std::string verifying = refusal_by([&] { training::verify_checkpoint(path); });
  check(loading == verifying, "load_checkpoint says \"", loading, "\", verify_checkpoint \"", verifying, "\"");
  return loading;
}

bool in_child(const std::function<bool()>& f) {
  const pid_t child = ::fork();
  if (child == 0) {
    bool ok = false;
    try {
      ok = f();
    } catch (...) {
    }
    ::_exit(ok ? 0 : 1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  return status == 0;
}

}  // namespace ditharos::tests
