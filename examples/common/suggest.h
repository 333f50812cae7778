#pragma once
// "Did you mean ...?"
#include <string>
#include <string_view>
#include <vector>

namespace ditharos::examples {

/// Edit distance: insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b`
/// (optimal string alignment). Case and the difference between '-' and '_' do not count.
int edit_distance(std::string_view a, std::string_view b);

/// The candidate nearest to `word`, or "" when none is near enough to be a likely slip of the fingers.
/// The first of equally near ones.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

/// `; did you mean "x"?` for the nearest candidate, "" without one.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace ditharos::examples
