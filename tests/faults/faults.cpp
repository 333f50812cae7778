// A library for LD_PRELOAD that makes one call of a program to the system fail.
//
//   DITHAROS_FAULT=write:17:28            the 17th write fails with errno 28 (ENOSPC), once
//   DITHAROS_FAULT=write:17:28+           so does every later one
//   DITHAROS_FAULT=write:17:short         the 17th write takes half of its bytes, and the next one fails with ENOSPC
//   DITHAROS_FAULT=new:1000:0             the 1,000th operator new throws std::bad_alloc
//   DITHAROS_FAULT_COUNTS=/tmp/counts     a line "write 57" for each kind of call is written there at the end
//
// Kinds: open (also opendir and mkdir), read, write, sync (fsync and fdatasync), rename, truncate, mmap, allocate
// (aligned_alloc and memalign, the memory of tensors), new. Calls that the C library makes by itself, as in printf, are
// not seen.
// Standard output and standard error are left alone: what a program says about a fault has to come out.
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "tests/faults/faults.h"

namespace {

enum Kind {
  open_call,
  read_call,
  write_call,
  sync_call,
  rename_call,
  truncate_call,
  mmap_call,
  allocate_call,
  new_call
};
constexpr const char* kind_names[] = {"open", "read", "write", "sync", "rename", "truncate", "mmap", "allocate", "new"};
constexpr int kinds = 9;

struct Plan {
  int kind = -1, error = ENOSPC;
  uint64_t at = 0;
  bool lasting = false, is_short = false;
};

std::atomic<uint64_t> counts[kinds];

Plan read_plan() {
  Plan plan;
  const char* text = std::getenv(ditharos::tests::fault_variable);
  if (text == nullptr) return plan;
  for (int i = 0; i < kinds; ++i) {
    const size_t length = std::strlen(kind_names[i]);
    if (std::strncmp(text, kind_names[i], length) != 0 || text[length] != ':') continue;
    char* end = nullptr;
    plan.kind = i;
    plan.at = std::strtoull(text + length + 1, &end, 10);
    plan.is_short = std::strcmp(end, ":short") == 0;
    if (!plan.is_short && *end == ':') plan.error = int(std::strtol(end + 1, &end, 10));
    plan.lasting = *end == '+';
  }
  return plan;
}

const Plan& plan() {
  static const Plan the_plan = read_plan();
  return the_plan;
}

/// Counts a call. Whether it has to fail, with errno set; `bytes` of a write may become less instead.
bool fails(Kind kind, size_t* bytes = nullptr) {
  const uint64_t number = ++counts[kind];
  const Plan& p = plan();
  if (p.kind != kind || number < p.at) return false;
  if (p.is_short && number == p.at) {
    if (bytes != nullptr) *bytes /= 2;
    return bytes == nullptr;
  }
  if (number > p.at + (p.is_short ? 1 : 0) && !p.lasting) return false;
  errno = p.error;
  return true;
}

template <class F>
F next(const char* name) {
  return reinterpret_cast<F>(dlsym(RTLD_NEXT, name));
}

bool is_console(int fd) { return fd == STDOUT_FILENO || fd == STDERR_FILENO; }

struct AtExit {
  ~AtExit() {
    const char* path = std::getenv(ditharos::tests::fault_counts_variable);
    if (path == nullptr) return;
    const int fd = int(::syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0666));
    for (int i = 0; fd >= 0 && i < kinds; ++i) {
      char line[64];
      const int length = std::snprintf(line, sizeof line, "%s %llu\n", kind_names[i],
                                       static_cast<unsigned long long>(counts[i].load()));
      ::syscall(SYS_write, fd, line, size_t(length));
    }
  }
} at_exit;

int open_at(int directory, const char* path, int flags, mode_t mode) {
  if (fails(open_call)) return -1;
  return int(::syscall(SYS_openat, directory, path, flags, mode));
}

mode_t mode_of(int flags, va_list more) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? mode_t(va_arg(more, unsigned)) : 0;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = mode_of(flags, more);
  va_end(more);
  return open_at(AT_FDCWD, path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = mode_of(flags, more);
  va_end(more);
  return open_at(AT_FDCWD, path, flags, mode);
}
int openat(int directory, const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = mode_of(flags, more);
  va_end(more);
  return open_at(directory, path, flags, mode);
}
FILE* fopen(const char* path, const char* mode) {
  return fails(open_call) ? nullptr : next<FILE* (*)(const char*, const char*)>("fopen")(path, mode);
}
FILE* fopen64(const char* path, const char* mode) {
  return fails(open_call) ? nullptr : next<FILE* (*)(const char*, const char*)>("fopen64")(path, mode);
}
DIR* opendir(const char* path) { return fails(open_call) ? nullptr : next<DIR* (*)(const char*)>("opendir")(path); }
int mkdir(const char* path, mode_t mode) {
  return fails(open_call) ? -1 : next<int (*)(const char*, mode_t)>("mkdir")(path, mode);
}

ssize_t read(int fd, void* to, size_t n) { return fails(read_call) ? -1 : ::syscall(SYS_read, fd, to, n); }
ssize_t pread(int fd, void* to, size_t n, off_t at) {
  return fails(read_call) ? -1 : ::syscall(SYS_pread64, fd, to, n, at);
}
ssize_t pread64(int fd, void* to, size_t n, off64_t at) {
  return fails(read_call) ? -1 : ::syscall(SYS_pread64, fd, to, n, at);
}

ssize_t write(int fd, const void* from, size_t n) {
  return !is_console(fd) && fails(write_call, &n) ? -1 : ::syscall(SYS_write, fd, from, n);
}
ssize_t pwrite(int fd, const void* from, size_t n, off_t at) {
  return fails(write_call, &n) ? -1 : ::syscall(SYS_pwrite64, fd, from, n, at);
}
ssize_t writev(int fd, const iovec* parts, int count) {
  return !is_console(fd) && fails(write_call) ? -1 : ::syscall(SYS_writev, fd, parts, count);
}

int fsync(int fd) { return fails(sync_call) ? -1 : int(::syscall(SYS_fsync, fd)); }
int fdatasync(int fd) { return fails(sync_call) ? -1 : int(::syscall(SYS_fdatasync, fd)); }

int rename(const char* from, const char* to) {
  return fails(rename_call) ? -1 : next<int (*)(const char*, const char*)>("rename")(from, to);
}
int renameat2(int from_directory, const char* from, int to_directory, const char* to, unsigned flags) {
  if (fails(rename_call)) return -1;
  return int(::syscall(SYS_renameat2, from_directory, from, to_directory, to, flags));
}

int ftruncate(int fd, off_t size) { return fails(truncate_call) ? -1 : int(::syscall(SYS_ftruncate, fd, size)); }
int ftruncate64(int fd, off64_t size) { return fails(truncate_call) ? -1 : int(::syscall(SYS_ftruncate, fd, size)); }

void* mmap(void* at, size_t n, int protection, int flags, int fd, off_t offset) {
  if (fd >= 0 && fails(mmap_call)) return MAP_FAILED;
  return reinterpret_cast<void*>(::syscall(SYS_mmap, at, n, protection, flags, fd, offset));
}
void* mmap64(void* at, size_t n, int protection, int flags, int fd, off64_t offset) {
  if (fd >= 0 && fails(mmap_call)) return MAP_FAILED;
  return reinterpret_cast<void*>(::syscall(SYS_mmap, at, n, protection, flags, fd, offset));
}

void* aligned_alloc(size_t alignment, size_t n) {
  static const auto real = next<void* (*)(size_t, size_t)>("aligned_alloc");
  return fails(allocate_call) ? nullptr : real(alignment, n);
}
void* memalign(size_t alignment, size_t n) {
  static const auto real = next<void* (*)(size_t, size_t)>("memalign");
  return fails(allocate_call) ? nullptr : real(alignment, n);
}

}  // extern "C"

// The forms of operator new and delete for arrays and without exceptions call these.
void* operator new(size_t bytes) {
  if (!fails(new_call)) {
    if (void* block = std::malloc(bytes == 0 ? 1 : bytes)) return block;
  }
  throw std::bad_alloc();
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, size_t) noexcept { std::free(block); }
