#pragma once
// The CPU quota of the control group (cgroup) of this process. Containers limit CPU time, not the number of cores.
#include <string>

namespace ditharos {

/// The CPU time that the process may use, in cores: the smallest limit of its group and the groups around it. Infinity
/// without a limit, and on systems without control groups. `membership` is the text of /proc/self/cgroup. `root` is the
/// mount point of the cgroup file system, of version 2 (cpu.max) or 1 (cpu.cfs_quota_us and cpu.cfs_period_us below
/// cpu/ or cpu,cpuacct/).
[[nodiscard]] double cpu_quota(const std::string& root, const std::string& membership);
/// The quota of this process.
[[nodiscard]] double cpu_quota();

}  // namespace ditharos
