#pragma once
// Prompts of users: checked, explained where they cannot be understood, and turned into what a model takes.
#include <string>
#include <vector>

#include <ditharos/data/datasets/data_source.h>
#include <ditharos/data/text/tokenizer.h>

namespace ditharos::examples {

/// The parts of a list "a; b; c", without blanks around them; empty ones are left out.
std::vector<std::string> parse_prompts(const std::string& list);

/// Prompts as the model takes them, i64 [B, length]. ConfigError naming the prompt that is empty or too long.
Tensor encode_prompts(const data::Tokenizer& tokenizer, const std::vector<std::string>& prompts, int64_t length);
/// The same for captions of training clips, of which the model reads only the beginning when they are too long.
Tensor encode_captions(const data::Tokenizer& tokenizer, const std::vector<std::string>& captions, int64_t length);
/// What stands for "no prompt", i64 [length].
Tensor null_prompt(const data::Tokenizer& tokenizer, int64_t length);

/// The first captions of the data that the model reads whole, at most `count` of them, none twice. ConfigError when it
/// reads none of the first thousand.
std::vector<std::string> first_captions(const data::DataSource& source, const data::Tokenizer& tokenizer,
                                        int64_t length, int64_t count);

/// ConfigError naming the words of a prompt that no caption in training held, each with the one that
/// was probably meant, where there is such a one (meant_word).
void check_words(const data::Tokenizer& tokenizer, const std::string& prompt);

}  // namespace ditharos::examples
