#include <ditharos/tensor/system/cpu_quota.h>
#include "tests/fuzz/fuzz.h"

namespace ditharos::tests {

/// The files of a control group, and the text that says which group a process is in.
void fuzz_cpu_quota(std::string_view bytes) {
  const size_t half = bytes.size() / 2;
  const std::string path = file_with("cpu.max", bytes.substr(half));
  const std::string root = path.substr(0, path.rfind('/'));
  demand(cpu_quota(root, std::string(bytes.substr(0, half))) > 0, "a positive quota");
  demand(cpu_quota(root, "0::/\n") > 0, "a positive quota");
}

}  // namespace ditharos::tests
