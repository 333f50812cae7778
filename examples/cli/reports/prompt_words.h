#pragma once
// Prompts on the command line and in configurations: lists of them, and words that a model does not know.
#include <string>
#include <vector>

#include <ditharos/data/text/tokenizer.h>

namespace ditharos::examples {

/// The parts of a list "a; b; c", without blanks around them; empty ones are left out.
std::vector<std::string> parse_prompts(const std::string& list);

/// ConfigError for a prompt with words that no caption in training had. It names these words, each with the word that
/// was probably meant, if there is one (meant_word).
void check_words(const data::Tokenizer& tokenizer, const std::string& prompt);

}  // namespace ditharos::examples
