#include <ditharos/training/run/disk_space.h>

#include <filesystem>
#include <system_error>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/number_text.h>

namespace ditharos::training {

namespace fs = std::filesystem;

std::optional<uint64_t> free_space(const std::string& folder) {
  std::error_code error;
  fs::path existing = fs::absolute(folder, error);
  while (!fs::exists(existing, error) && existing.has_relative_path()) existing = existing.parent_path();
  const fs::space_info space = fs::space(existing, error);
  return error ? std::nullopt : std::optional<uint64_t>(space.available);
}

std::string bytes_text(double bytes) {
  constexpr const char* units[] = {"bytes", "kB", "MB", "GB", "TB", "PB"};
  size_t unit = 0;
  while (bytes >= 1000 && unit + 1 < std::size(units)) bytes /= 1000, ++unit;
  return (bytes >= 1000 ? fixed_text(bytes, 0) : general_text(bytes, 3)) + " " + units[unit];
}

void check_space(const std::string& folder, double needed, std::optional<uint64_t> free, const std::string& what) {
  if (!free) return;
  check<ConfigError>(needed <= double(*free), "the disk of \"", folder, "\" has ", bytes_text(double(*free)),
                     " free, and the run needs ", bytes_text(needed), " for ", what,
                     ": free some, choose another folder, or keep fewer checkpoints");
}

}  // namespace ditharos::training
