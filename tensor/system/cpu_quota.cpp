#include <ditharos/tensor/system/cpu_quota.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <string_view>

namespace ditharos {
namespace {

constexpr double unlimited = std::numeric_limits<double>::infinity();

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();  // catches what the buffer throws for a directory and for a read error
  return text.str();
}

/// Takes a number and the white space behind it from the front of `text`.
std::optional<double> take_number(std::string_view& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  text.remove_prefix(std::min(text.find_first_not_of(" \t\n"), text.size()));
  return value;
}

double ratio(std::optional<double> quota, std::optional<double> period) {
  return quota && period && *quota > 0 && *period > 0 ? *quota / *period : unlimited;
}

/// "50000 100000", or "max 100000" without a limit.
double quota_v2(const std::string& folder) {
  const std::string text = text_of(folder + "/cpu.max");
  std::string_view rest = text;
  const auto quota = take_number(rest);
  return ratio(quota, take_number(rest));
}

/// -1 in cpu.cfs_quota_us is no limit.
double quota_v1(const std::string& folder) {
  const std::string quota = text_of(folder + "/cpu.cfs_quota_us"), period = text_of(folder + "/cpu.cfs_period_us");
  std::string_view of_quota = quota, of_period = period;
  return ratio(take_number(of_quota), take_number(of_period));
}

/// The least quota of a group and of all around it. A path that leads out of the mounted tree, as those of another
/// namespace do, counts as its root.
template <class F>
double least(const std::string& root, std::string_view path, const F& quota_of) {
  if (!path.starts_with('/') || path.find("..") != std::string_view::npos) path = {};
  double quota = quota_of(root);
  while (!path.empty() && path != "/") {
    quota = std::min(quota, quota_of(root + std::string(path)));
    path = path.substr(0, path.rfind('/'));
  }
  return quota;
}

bool lists_cpu(std::string_view controllers) {
  while (!controllers.empty()) {
    const size_t comma = std::min(controllers.find(','), controllers.size());
    if (controllers.substr(0, comma) == "cpu") return true;
    controllers.remove_prefix(std::min(comma + 1, controllers.size()));
  }
  return false;
}

}  // namespace

double cpu_quota(const std::string& root, const std::string& membership) {
  double quota = unlimited;
  for (std::string_view rest = membership; !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);  // "4:cpu,cpuacct:/path", of version 2 "0::/path"
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1), path = line.substr(second + 1);
    if (controllers.empty()) quota = std::min(quota, least(root, path, quota_v2));
    if (!lists_cpu(controllers)) continue;
    for (const std::string& mounted : {root + "/cpu", root + "/" + std::string(controllers)})
      quota = std::min(quota, least(mounted, path, quota_v1));
  }
  return quota;
}

double cpu_quota() { return cpu_quota("/sys/fs/cgroup", text_of("/proc/self/cgroup")); }

}  // namespace ditharos
