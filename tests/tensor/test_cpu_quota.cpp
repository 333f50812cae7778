// The CPU quota of a control group, read from files laid out as the kernel lays them out.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include <ditharos/tensor/system/cpu_quota.h>
#include "tests/support/data_files.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::tests;

namespace {

void put(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  write_bytes(path, text);
}

}  // namespace

TEST_CASE("regression 25: the CPU quota of a cgroup of version 2 limits the threads") {
  const TemporaryFolder root;
  CHECK(std::isinf(cpu_quota(root.path(), "0::/\n")));
  put(root / "cpu.max", "max 100000\n");
  CHECK(std::isinf(cpu_quota(root.path(), "0::/\n")));
  put(root / "cpu.max", "100000 100000\n");
  CHECK(cpu_quota(root.path(), "0::/\n") == 1);
  // The least of a group and those around it counts.
  put(root / "cpu.max", "400000 100000\n");
  put(root / "a/cpu.max", "150000 100000\n");
  put(root / "a/b/cpu.max", "max 100000\n");
  CHECK(cpu_quota(root.path(), "0::/a/b\n") == 1.5);
  CHECK(cpu_quota(root.path(), "0::/a\n") == 1.5);
  CHECK(cpu_quota(root.path(), "0::/missing/c\n") == 4);
  CHECK(cpu_quota(root.path(), "0::/../../a\n") == 4);  // another namespace's path
  CHECK(std::isinf(cpu_quota(root / "a/b", "")));
}

TEST_CASE("regression 25: the CPU quota of a cgroup of version 1 limits the threads") {
  const TemporaryFolder root;
  const std::string membership = "12:memory:/docker/x\n4:cpu,cpuacct:/docker/x\n1:name=systemd:/docker/x\n";
  CHECK(std::isinf(cpu_quota(root.path(), membership)));
  put(root / "cpu,cpuacct/docker/x/cpu.cfs_quota_us", "-1\n");
  put(root / "cpu,cpuacct/docker/x/cpu.cfs_period_us", "100000\n");
  CHECK(std::isinf(cpu_quota(root.path(), membership)));
  put(root / "cpu,cpuacct/docker/x/cpu.cfs_quota_us", "50000\n");
  CHECK(cpu_quota(root.path(), membership) == .5);
  CHECK(std::isinf(cpu_quota(root.path(), "4:cpuset,cpuacct:/docker/x\n")));
  // In a container only its own part is mounted, as the root.
  put(root / "cpu/cpu.cfs_quota_us", "200000\n");
  put(root / "cpu/cpu.cfs_period_us", "100000\n");
  CHECK(cpu_quota(root.path(), "4:cpu:/kubepods/y\n") == 2);
}

TEST_CASE("regression 25: damaged files of a cgroup are no limit") {
  const TemporaryFolder root;
  for (const char* text : {"", "max", "x 100000", "100000", "100000 0", "0 100000", "-1 100000", "1e5 x", "nan nan"}) {
    put(root / "cpu.max", text);
    CAPTURE(text);
    CHECK(std::isinf(cpu_quota(root.path(), "0::/\n")));
  }
  for (const char* membership : {"", "\n", "0", "0:", "0::", ":::", "no colon at all\n\n"})
    CHECK(std::isinf(cpu_quota(root.path(), membership)));
  std::filesystem::create_directories(root / "folder/cpu.max");  // opens, but cannot be read
  CHECK(std::isinf(cpu_quota(root / "folder", "0::/\n")));
}
