#pragma once
// Internal to data/text/.
// Learns the word pieces of a tokenizer.
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace ditharos::data {

/// At most `most` pieces of two or more bytes for words with these counts, in the order in which they are found. Each
/// is the join of the two neighbouring pieces a, b with the largest n(ab) log(n(ab) N / (n(a) n(b))), the leading term
/// of the gain in log-likelihood of the text under independent pieces (N: number of all pieces). Learning ends when no
/// join has a gain. Of equal joins the first in the order of bytes is used.
std::vector<std::string> learn_pieces(const std::map<std::string, int64_t>& words, int64_t most);

}  // namespace ditharos::data
