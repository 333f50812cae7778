#pragma once
// Internal to data/text/.
// How a tokenizer finds its word pieces.
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace ditharos::data {

/// At most `most` pieces of two bytes and more for words that occur so often, in the order in which they are found.
/// Each is the join of the two neighbouring pieces a, b with the largest n(ab) log(n(ab) N / (n(a) n(b))), the leading
/// term of what the join adds to the log-likelihood of the text under independent pieces (N: pieces in all). Joins that
/// add nothing are not made; of equal ones the first in the order of bytes is.
std::vector<std::string> learn_pieces(const std::map<std::string, int64_t>& words, int64_t most);

}  // namespace ditharos::data
