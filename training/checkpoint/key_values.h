#pragma once
// Internal to training/.
// The "key = value" lines of a stored configuration or fingerprint.
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace ditharos::training {

/// Keys and values in the order of a text.
using Values = std::vector<std::pair<std::string, std::string>>;

/// The "key = value" lines of a configuration, whose keys are unique across its sections, or of a fingerprint. Other
/// lines are skipped.
[[nodiscard]] Values values_of(const std::string& text);

/// The value of a key; nothing if there is none.
[[nodiscard]] std::optional<std::string> find(const Values& values, const std::string& key);

/// "key = value instead of value" for each key of `now` that `then` lacks or has with another value, and for each that
/// is missing now; at most a few, and how many more there are.
[[nodiscard]] std::string differences(const std::string& then, const std::string& now,
                                      const std::set<std::string>& may_change);

}  // namespace ditharos::training
