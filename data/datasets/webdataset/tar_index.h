#pragma once
// Internal to data/datasets/webdataset/.
// The members of a tar archive and where their bytes lie (through libarchive), so that any of them can be read alone.
#include <cstdint>
#include <functional>
#include <string>

#include <ditharos/tensor/io/file.h>

namespace ditharos::data {

/// A regular file in the archive. Its name is untrusted text and never used as a path.
struct TarMember {
  std::string name;
  uint64_t offset = 0, size = 0;  ///< of its bytes in the archive
};

/// Calls `visit` with every regular file in the archive, in order; folders are passed over. Reads headers alone.
/// IoError with the path and the reason for a file that is no plain tar archive (POSIX pax, ustar, GNU or old), that is
/// compressed, cut off, damaged or followed by other bytes, and for members that are links, devices or sparse. What
/// `visit` throws leaves the function.
void for_each_tar_member(const InputFile& file, const std::function<void(TarMember&&)>& visit);

}  // namespace ditharos::data
