#pragma once
// "Did you mean ...?"
#include <string>
#include <string_view>
#include <vector>

namespace ditharos::examples {

/// Edit distance: insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b`
/// (optimal string alignment). Case and the difference between '-' and '_' do not count.
int edit_distance(std::string_view a, std::string_view b);

/// The candidate nearest to `word`, the first of equally near ones, or "" when none is near enough to be a likely
/// typing error.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

/// The known word that a writer of `word` probably meant, or "": another form of it ("boots" for "boot", "drifting" for
/// "drift"), or a typing error: with the same first letter, two neighbours swapped, or one edit in a word of at least
/// five letters, two of at least eight. Short words that differ in a letter are different words: "cat" is not "at".
std::string meant_word(std::string_view word, const std::vector<std::string>& known);

/// `; did you mean "x"?` for the nearest candidate, "" without one.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace ditharos::examples
