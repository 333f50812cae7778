#pragma once
#include <string>
#include <string_view>

namespace ditharos {

/// Bytes as base64 (RFC 4648, with padding), for data: addresses in pages.
[[nodiscard]] std::string base64(std::string_view bytes);

}  // namespace ditharos
