#pragma once
// The free space on the disk of a run, compared with what the run will write.
#include <cstdint>
#include <optional>
#include <string>

namespace ditharos::training {

/// The bytes that this process may write in `folder`, which need not exist yet; nothing where the system does not say.
[[nodiscard]] std::optional<uint64_t> free_space(const std::string& folder);
/// "1.5 GB": three digits, of powers of 1000.
[[nodiscard]] std::string bytes_text(double bytes);
/// ConfigError with both figures when `needed` bytes are more than `free`; `what` says what they are for.
void check_space(const std::string& folder, double needed, std::optional<uint64_t> free, const std::string& what);

}  // namespace ditharos::training
