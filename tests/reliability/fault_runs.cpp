#include "tests/reliability/fault_runs.h"

#include <filesystem>
#include <fstream>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/file.h>
#include "tests/faults/faults.h"
#include "tests/support/small_runs.h"
#include "tests/support/temporary_folder.h"

namespace ditharos::tests {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> environment(const std::string& variable) {
  return {"LD_PRELOAD=" + fault_library(), variable, "OMP_WAIT_POLICY=passive"};
}

}  // namespace

std::string fault_library() {
  const fs::path path = fs::read_symlink("/proc/self/exe").parent_path() / "libditharos_faults.so";
  return fs::exists(path) ? path.string() : "";
}

Outcome run_with_fault(const std::string& program, const Arguments& arguments, const Fault& fault) {
  return run_program(program, arguments, environment(std::string(fault_variable) + "=" + fault.text()));
}

std::map<std::string, uint64_t> count_calls(const std::string& program, const Arguments& arguments) {
  const TemporaryFolder folder;
  const std::string path = folder / "counts";
  const Outcome outcome = run_program(program, arguments, environment(std::string(fault_counts_variable) + "=" + path));
  check(outcome.status == 0, program, " ended with ", outcome.status, ": ", outcome.output);
  std::map<std::string, uint64_t> counts;
  std::ifstream file(path);
  std::string call;
  for (uint64_t count = 0; file >> call >> count;) counts[call] = count;
  return counts;
}

std::map<std::string, std::string> files_in(const std::string& folder) {
  constexpr uint64_t most_bytes = 1 << 26;
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file() && entry.file_size() > 0 && is_reproducible(entry.path().string()))
      files[fs::relative(entry.path(), folder).string()] = read_file(entry.path().string(), most_bytes);
  return files;
}

std::string differing_files(const std::map<std::string, std::string>& a, const std::map<std::string, std::string>& b) {
  std::string text;
  for (const auto& [name, bytes] : a) {
    const auto other = b.find(name);
    if (other == b.end()) text += name + " is missing; ";
    else if (other->second != bytes) text += name + " has other bytes; ";
  }
  for (const auto& [name, bytes] : b)
    if (!a.contains(name)) text += name + " is new; ";
  return text;
}

}  // namespace ditharos::tests
