#pragma once
// The share of the CPUs that a control group (cgroup) leaves to this process: containers limit time, not cores.
#include <string>

namespace ditharos {

/// Cores' worth of time that the process may use, the least of its group's limit and those of the groups around it;
/// infinity without a limit, and where there are no control groups. `membership` is the text of /proc/self/cgroup,
/// `root` where the cgroup file system is mounted: version 2 (cpu.max) or 1 (cpu.cfs_quota_us and cpu.cfs_period_us
/// below cpu/ or cpu,cpuacct/).
[[nodiscard]] double cpu_quota(const std::string& root, const std::string& membership);
/// That of this process.
[[nodiscard]] double cpu_quota();

}  // namespace ditharos
