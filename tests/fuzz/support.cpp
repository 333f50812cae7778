#include <cstdio>
#include <cstdlib>
#include <fstream>

#include <ditharos/tensor/error.h>
#include "tests/fuzz/fuzz.h"
#include "tests/support/temporary_folder.h"

namespace ditharos::tests {

void fuzz_one(void (*run)(std::string_view), std::string_view bytes) {
  try {
    run(bytes);
  } catch (const Error&) {
  }
}

std::string file_with(const std::string& name, std::string_view bytes) {
  static const TemporaryFolder folder;
  const std::string path = folder / name;
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  demand(file.good(), "a file in a temporary folder");
  return path;
}

void demand(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "not given: %s\n", what);
  std::abort();
}

}  // namespace ditharos::tests
