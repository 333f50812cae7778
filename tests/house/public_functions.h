#pragma once
// Reads headers as text and finds functions whose results could be dropped without a warning.
#include <set>
#include <string>
#include <vector>

namespace ditharos::tests {

/// Names of the classes that `header` declares [[nodiscard]]: no function that returns one needs to say so again.
std::set<std::string> nodiscard_types(const std::string& header);

/// The free functions declared in `header` that return a value, cannot change what they are given (no parameter is a
/// reference to something that is not const) and are not [[nodiscard]], neither themselves nor by their result's type.
/// A name that ends in an underscore changes a tensor in place, as in PyTorch, and may be called for that alone.
std::vector<std::string> discardable_functions(const std::string& header, const std::set<std::string>& types);

}  // namespace ditharos::tests
