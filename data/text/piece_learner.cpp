#include <ditharos/data/text/piece_learner.h>

#include <cmath>
#include <set>
#include <utility>

namespace ditharos::data {
namespace {

using Pair = std::pair<std::string, std::string>;

/// Words as sequences of pieces, and the counts of each piece and each pair of neighbours.
class Corpus {
 public:
  explicit Corpus(const std::map<std::string, int64_t>& words) {
    for (const auto& [text, count] : words) {
      Word word{{}, count};
      for (const char c : text) word.pieces.emplace_back(1, c);
      words_.push_back(std::move(word));
      add(words_.size() - 1, 1);
    }
  }

  /// The best pair to join; false when no join adds anything.
  bool best_pair(Pair& best) const {
    double most = 0;
    for (const auto& [pair, occurrences] : pairs_) {
      const auto together = static_cast<double>(occurrences.count);
      const double gain =
          together *
          std::log(together * static_cast<double>(total_) /
                   (static_cast<double>(pieces_.at(pair.first)) * static_cast<double>(pieces_.at(pair.second))));
      if (together > 0 && gain > most) {
        most = gain;
        best = pair;
      }
    }
    return most > 0;
  }

  void join(const Pair& pair) {
    const std::set<size_t> words = pairs_.at(pair).words;  // a copy: the joins change the list
    for (const size_t w : words) {
      add(w, -1);
      std::vector<std::string>& pieces = words_[w].pieces;
      std::vector<std::string> joined;
      for (size_t i = 0; i < pieces.size(); ++i) {
        const bool here = i + 1 < pieces.size() && pieces[i] == pair.first && pieces[i + 1] == pair.second;
        joined.push_back(here ? pieces[i] + pieces[i + 1] : pieces[i]);
        if (here) ++i;
      }
      pieces = std::move(joined);
      add(w, 1);
    }
  }

 private:
  struct Word {
    std::vector<std::string> pieces;
    int64_t count;
  };
  struct Place {
    int64_t count = 0;
    std::set<size_t> words;
  };

  /// Adds the pieces and pairs of word w to the counts (sign 1) or subtracts them (sign -1).
  void add(size_t w, int64_t sign) {
    const Word& word = words_[w];
    for (size_t i = 0; i < word.pieces.size(); ++i) {
      pieces_[word.pieces[i]] += sign * word.count;
      total_ += sign * word.count;
      if (i + 1 == word.pieces.size()) continue;
      const auto at = pairs_.try_emplace({word.pieces[i], word.pieces[i + 1]}).first;
      at->second.count += sign * word.count;
      if (sign > 0) at->second.words.insert(w);
      else at->second.words.erase(w);
      if (at->second.count == 0) pairs_.erase(at);
    }
  }

  std::vector<Word> words_;
  std::map<std::string, int64_t> pieces_;
  std::map<Pair, Place> pairs_;
  int64_t total_ = 0;
};

}  // namespace

std::vector<std::string> learn_pieces(const std::map<std::string, int64_t>& words, int64_t most) {
  Corpus corpus(words);
  std::vector<std::string> found;
  std::set<std::string> known;
  Pair pair;
  while (static_cast<int64_t>(found.size()) < most && corpus.best_pair(pair)) {
    corpus.join(pair);
    // Two pairs can make one piece: "a" + "bc" and "ab" + "c".
    if (known.insert(pair.first + pair.second).second) found.push_back(pair.first + pair.second);
  }
  return found;
}

}  // namespace ditharos::data
