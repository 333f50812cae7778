#include <ditharos/tensor/system/environment.h>

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include <ditharos/tensor/io/number_text.h>
#include <ditharos/tensor/kernels/gemm/gemm_backend.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/tensor/system/instruction_set.h>

namespace ditharos {
namespace {

constexpr size_t longest = 1 << 16;  // bytes of a file of the system, or of a command line

/// The beginning of a file whose size the system does not tell, such as those of /proc; empty when there is none.
std::string beginning_of(const char* path) {
  std::string text(longest, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(text.data(), std::streamsize(text.size()));
  text.resize(size_t(file.gcount()));
  return text;
}

/// What follows `key` and `separator` on the first line that begins with `key`.
std::string value_of(const std::string& text, const std::string& key, char separator) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const size_t at = line.find(separator);
    if (!line.starts_with(key) || at == std::string::npos) continue;
    const size_t begin = line.find_first_not_of(" \t\"", at + 1);
    return begin == std::string::npos ? "" : line.substr(begin, line.find_last_not_of(" \t\"") + 1 - begin);
  }
  return "";
}

/// Those of the CPU's features that matter to kernels.
std::string cpu_features(const std::string& cpuinfo) {
  std::string flags = value_of(cpuinfo, "flags", ':');            // x86
  if (flags.empty()) flags = value_of(cpuinfo, "Features", ':');  // arm64
  std::istringstream words(flags);
  std::set<std::string> present;
  for (std::string word; words >> word;) present.insert(word);
  std::string text;
  for (const char* feature :
       {"sse4_2",   "avx",         "avx2",        "fma",         "f16c",     "avx512f",  "avx512bw", "avx512dq",
        "avx512vl", "avx512_vnni", "avx512_bf16", "avx512_fp16", "avx_vnni", "amx_bf16", "amx_int8", "asimd",
        "asimdhp",  "asimddp",     "bf16",        "i8mm",        "sve",      "sve2"})
    if (present.contains(feature)) text += (text.empty() ? "" : " ") + std::string(feature);
  return text;
}

std::string operating_system() {
  utsname name{};
  if (::uname(&name) != 0) return "";
  const std::string kernel = std::string(name.sysname) + " " + name.release + " " + name.machine;
  const std::string distribution = value_of(beginning_of("/etc/os-release"), "PRETTY_NAME", '=');
  return distribution.empty() ? kernel : distribution + ", " + kernel;
}

std::string compiler() {
#if defined(__clang__)
  return std::string("Clang ") + __clang_version__;
#elif defined(__GNUC__)
  return std::string("GCC ") + __VERSION__;
#else
  return "";
#endif
}

}  // namespace

std::vector<std::pair<std::string, std::string>> describe_environment() {
  const std::string cpuinfo = beginning_of("/proc/cpuinfo");
  const double pages = double(::sysconf(_SC_PHYS_PAGES)), page = double(::sysconf(_SC_PAGE_SIZE));
  std::vector<std::pair<std::string, std::string>> all = {
      {"version", std::string("ditharos ") + DITHAROS_VERSION},
      {"build", DITHAROS_BUILD_TYPE},
      {"compiler", compiler()},
      {"cpu", value_of(cpuinfo, "model name", ':')},
      {"cpu_features", cpu_features(cpuinfo)},
      {"kernels", instruction_set()},
      {"cores", std::to_string(std::thread::hardware_concurrency())},
      {"threads", std::to_string(num_threads())},
      {"memory", pages > 0 && page > 0 ? fixed_text(pages * page / (1 << 30), 1) + " GiB" : ""},
      {"matrix_products", kernels::gemm_backend()},
      {"system", operating_system()}};
  std::erase_if(all, [](const auto& entry) { return entry.second.empty(); });
  return all;
}

std::string command_line() {
  const std::string arguments = beginning_of("/proc/self/cmdline");  // each ends with a zero byte
  std::string text;
  for (size_t begin = 0; begin < arguments.size();) {
    const size_t end = std::min(arguments.find('\0', begin), arguments.size());
    const std::string word = arguments.substr(begin, end - begin);
    begin = end + 1;
    const bool plain = !word.empty() && word.find_first_not_of(
                                            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                            "0123456789_-./=,:+@%") == std::string::npos;
    std::string quoted = "'";
    for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    text += (text.empty() ? "" : " ") + (plain ? word : quoted + "'");
  }
  return text;
}

}  // namespace ditharos
