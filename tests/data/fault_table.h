#pragma once
// A table of faults in a user's own data, each with the sentence that names it.
#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/support/data_files.h"
#include "tests/support/temporary_folder.h"

namespace ditharos::tests {

struct DataFault {
  std::string name;
  /// Damages the good data in a folder.
  std::function<void(const TemporaryFolder& folder)> damage;
  std::string sentence;  ///< a part of the message
};

/// `make` writes good data, which `open` reads; after each damage `open` throws an IoError with the folder's path and
/// the sentence.
inline void check_faults(const std::vector<DataFault>& faults, const std::function<void(const TemporaryFolder&)>& make,
                         const std::function<void(const std::string& folder)>& open) {
  const TemporaryFolder good;
  make(good);
  CHECK_NOTHROW(open(good.path()));
  for (const DataFault& fault : faults) {
    CAPTURE(fault.name);
    const TemporaryFolder folder;
    make(folder);
    fault.damage(folder);
    const std::string message = message_of<IoError>([&] { open(folder.path()); });
    CAPTURE(message);
    CHECK(contains(message, folder.path()));
    CHECK(contains(message, fault.sentence));
  }
}

/// Replaces the file by one that no program can read as a file: a pipe.
void make_unreadable(const std::string& path);
/// Moves the file out of its folder and leaves a symbolic link.
void make_link_outside(const std::string& path, const TemporaryFolder& outside);

}  // namespace ditharos::tests
