#pragma once
// Atomic writing of files, and reading with every system call checked.
//
// A program that limits file sizes (RLIMIT_FSIZE) must ignore SIGXFSZ to get an IoError instead of a signal.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace ditharos {

/// The system's message for an errno. Store errno immediately after the call that failed: every later call, even in an
/// argument of the same function, may change it.
[[nodiscard]] std::string error_text(int error);

/// True when both paths lead to the same file or directory, also through links. Paths of files that do not exist are
/// the same when their directories and names are.
[[nodiscard]] bool same_file(const std::string& a, const std::string& b);

/// Writes a file so that at any time, also after a crash, `path` is the old file or the complete new one.
///
/// The bytes are written to a temporary file in the same directory, and commit() renames it to `path`. Without commit()
/// the destructor removes the temporary, and `path` is unchanged. Every failure is an IoError with the path and the
/// reason. A process that writes into a directory for the first time removes the temporaries of killed writers there
/// (sweep_temporaries).
class AtomicFile {
 public:
  /// Opens the temporary. IoError if `path` exists and is no regular file (a directory, a device). A symbolic link is
  /// followed: the file to which it leads is replaced.
  explicit AtomicFile(const std::string& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Appends n bytes.
  void write(const void* data, size_t n);
  /// Bytes written so far.
  uint64_t size() const { return size_; }
  /// Makes the bytes durable (fdatasync), renames the temporary to `path`, makes the rename durable (fsync of the
  /// directory). Call it once, last.
  void commit();

 private:
  void open_temporary();

  std::string path_, directory_, temporary_;
  int fd_ = -1;
  uint64_t size_ = 0;
};

/// A new directory for files that are not complete yet, beside their final place, or for scratch files. The destructor
/// removes it with the files in it. Like the temporary of an AtomicFile, it is locked while its writer lives, and it is
/// removed by a later process if the writer was killed.
class TemporaryDirectory {
 public:
  /// Creates it inside `directory`. IoError when that is not possible, beginning with `action` ("cannot write clip").
  TemporaryDirectory(const std::string& directory, const std::string& action);
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }
  /// Renames it to `target` in one step. An old directory at `target` is exchanged with it, and the destructor removes
  /// the old one. IoError with `target`.
  void move_to(const std::string& target) const;

 private:
  std::string path_;
  int fd_ = -1;
};

/// A file that is open for reading at any offset. Every failure is an IoError with the path and the reason.
class InputFile {
 public:
  explicit InputFile(const std::string& path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  const std::string& path() const { return path_; }
  /// Bytes in the file when it was opened.
  uint64_t size() const { return size_; }
  /// Reads exactly n bytes from `offset`; IoError when the file ends before.
  void read(uint64_t offset, void* to, size_t n) const;
  /// The whole file in memory, at an address that is a multiple of the page size. The system reads a page when it is
  /// first used. Writing is allowed and changes this copy alone, not the file. The mapping outlives this object. Null
  /// for an empty file and on file systems that cannot map; IoError for other failures. While it is used, the file must
  /// not become shorter: reading a page that is no longer there ends the process (SIGBUS).
  std::shared_ptr<char> map() const;

 private:
  std::string path_;
  int fd_ = -1;
  uint64_t size_ = 0;
};

/// How a reader of weights gets the tensors' elements.
enum class LoadMode {
  /// The file is mapped into memory and stays mapped while one of its tensors lives. Elements are read when they are
  /// first used. Writing to a tensor does not change the file. Booleans, compressed data and data that do not lie at a
  /// multiple of their element size are copied. While such a tensor is used, no program may change the file in place:
  /// then the elements change too, and if it becomes shorter, reading them ends the process (SIGBUS). Replacing the
  /// file, as an AtomicFile does, is safe.
  map,
  /// The elements are read into memory of their own, for files that other programs change.
  copy,
};

/// The contents of a file of at most `limit` bytes, text or binary. IoError when it is missing, larger or unreadable.
[[nodiscard]] std::string read_file(const std::string& path, uint64_t limit);

/// Removes the temporaries (files, and directories of files) that killed writers left in `directory`, and returns their
/// paths. A running writer, of any process, holds a lock on its temporary, which is then not removed. A missing
/// directory has no temporaries.
std::vector<std::string> sweep_temporaries(const std::string& directory);

/// Fault injection for tests: called before every system call that an AtomicFile makes, with its name ("open",
/// "write", "fdatasync", "rename", "fsync"). A returned errno other than 0 is taken for the call's result; lowering
/// `bytes` makes a write short. An empty function turns it off. Not for concurrent use.
using IoHook = std::function<int(const char* call, size_t& bytes)>;
void set_io_hook(IoHook hook);

}  // namespace ditharos
