#include "examples/cli/reports/prompt_words.h"

#include <algorithm>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/quoted_text.h>
#include "examples/cli/suggest.h"

namespace ditharos::examples {

std::vector<std::string> parse_prompts(const std::string& list) {
  constexpr const char* blanks = " \t\r\n";  // of a TOML string of several lines
  std::vector<std::string> prompts;
  for (size_t begin = 0; begin <= list.size();) {
    const size_t end = std::min(list.find(';', begin), list.size());
    const size_t first = list.find_first_not_of(blanks, begin);
    if (first < end) prompts.push_back(list.substr(first, list.find_last_not_of(blanks, end - 1) - first + 1));
    begin = end + 1;
  }
  return prompts;
}

void check_words(const data::Tokenizer& tokenizer, const std::string& prompt) {
  std::string complaint;
  for (const std::string& word : tokenizer.unknown_words(prompt)) {
    const std::string known = meant_word(word, tokenizer.words());
    complaint +=
        (complaint.empty() ? "" : ", ") + quote(word) + (known.empty() ? "" : " (it knows " + quote(known) + ")");
  }
  check<ConfigError>(complaint.empty(), "the prompt ", quote(prompt),
                     " has words that the model has never seen: ", complaint,
                     "; --list-words prints those that it knows, --any-words samples all the same");
}

}  // namespace ditharos::examples
