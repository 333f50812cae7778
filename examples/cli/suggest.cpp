#include "examples/cli/suggest.h"

#include <algorithm>
#include <cctype>
#include <iterator>

#include <ditharos/tensor/io/quoted_text.h>

namespace ditharos::examples {

namespace {

char folded(char c) { return c == '-' ? '_' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// True for a word of at least three letters with an ending behind it.
bool is_form_of(std::string_view form, std::string_view word) {
  if (word.size() < 3 || !form.starts_with(word)) return false;
  const std::string_view ending = form.substr(word.size());
  constexpr std::string_view endings[] = {"s", "es", "'s", "d", "ed", "er", "ing"};
  return std::find(std::begin(endings), std::end(endings), ending) != std::end(endings);
}

/// True for a word that was probably mistyped; both begin alike.
bool is_slip(std::string_view typed, std::string_view word, int distance) {
  const size_t length = std::min(typed.size(), word.size());
  const bool swapped = distance == 1 && typed.size() == word.size() && length >= 3 &&
                       std::is_permutation(typed.begin(), typed.end(), word.begin());
  return swapped || (distance == 1 && length >= 5) || (distance == 2 && length >= 8);
}

}  // namespace

int edit_distance(std::string_view a, std::string_view b) {
  // Three rows of the table d[i][j], the distance between the first i characters of a and the first j of b.
  std::vector<int> before(b.size() + 1), previous(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = static_cast<int>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    before.swap(previous);
    previous.swap(row);
    row[0] = static_cast<int>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const char x = folded(a[i - 1]), y = folded(b[j - 1]);
      row[j] = std::min({previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (x != y)});
      const bool swapped = i > 1 && j > 1 && x == folded(b[j - 2]) && folded(a[i - 2]) == y;
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  std::string best;
  int best_distance = 0;
  for (const std::string& candidate : candidates) {
    const int distance = edit_distance(word, candidate);
    // One edit in a short word, one for every three characters in a longer one.
    const int allowed = std::max<int>(1, static_cast<int>(std::max(word.size(), candidate.size())) / 3);
    if (distance > allowed || (!best.empty() && distance >= best_distance)) continue;
    best = candidate;
    best_distance = distance;
  }
  return best;
}

std::string meant_word(std::string_view word, const std::vector<std::string>& known) {
  std::string best;
  int best_distance = 0;
  for (const std::string& candidate : known) {
    if (word.empty() || candidate.empty() || word[0] != candidate[0]) continue;
    const int distance = edit_distance(word, candidate);
    const bool form = is_form_of(word, candidate) || is_form_of(candidate, word);
    const bool likely = form || is_slip(word, candidate, distance);
    if (!likely || (!best.empty() && distance >= best_distance)) continue;
    best = candidate;
    best_distance = distance;
  }
  return best;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  const std::string best = nearest(word, candidates);
  return best.empty() ? "" : "; did you mean " + quote(best) + "?";
}

}  // namespace ditharos::examples
