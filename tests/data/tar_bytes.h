#pragma once
// Tar archives made byte by byte (POSIX ustar), also damaged ones.
#include <cstdio>
#include <string>
#include <vector>

namespace ditharos::tests {

struct TarPart {
  std::string name, data;
  char type = '0';           ///< 0 file, 1 hard link, 2 symbolic link, 3 device, 5 folder
  std::string target = {};   ///< of a link
  std::string claimed = {};  ///< the size as octal digits; empty: that of the data
};

inline std::string tar_header(const TarPart& part) {
  std::string header(512, '\0');
  const auto put = [&](size_t at, const std::string& text) { header.replace(at, text.size(), text); };
  char size[16];
  std::snprintf(size, sizeof size, "%011llo", static_cast<unsigned long long>(part.data.size()));
  put(0, part.name);
  put(100, "0000644");
  put(108, "0000000");
  put(116, "0000000");
  put(124, part.claimed.empty() ? size : part.claimed);
  put(136, "00000000000");
  put(148, "        ");
  header[156] = part.type;
  put(157, part.target);
  put(257, std::string("ustar\00000", 8));
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  std::snprintf(size, sizeof size, "%06o", sum);
  put(148, std::string(size, 6) + '\0' + ' ');
  return header;
}

/// The archive with the two blocks at its end.
inline std::string tar_of(const std::vector<TarPart>& parts) {
  std::string bytes;
  for (const TarPart& part : parts) {
    bytes += tar_header(part) + part.data;
    bytes.append((512 - part.data.size() % 512) % 512, '\0');
  }
  return bytes + std::string(1024, '\0');
}

}  // namespace ditharos::tests
