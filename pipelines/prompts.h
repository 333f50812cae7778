#pragma once
// Prompts and captions as inputs of a model of images or clips.
#include <string>
#include <vector>

#include <ditharos/data/datasets/data_source.h>
#include <ditharos/data/text/tokenizer.h>

namespace ditharos::pipelines {

/// The tokens of prompts, i64 [B, length]. ConfigError naming the prompt that is empty or too long.
Tensor encode_prompts(const data::Tokenizer& tokenizer, const std::vector<std::string>& prompts, int64_t length);
/// The tokens of captions of training data, which are truncated when they are too long.
Tensor encode_captions(const data::Tokenizer& tokenizer, const std::vector<std::string>& captions, int64_t length);
/// The null condition, "no prompt", i64 [length].
Tensor null_prompt(const data::Tokenizer& tokenizer, int64_t length);

/// The first captions of the data that fit into the model's prompt length, at most `count` of them, none twice.
/// ConfigError when none of the first thousand fits.
[[nodiscard]] std::vector<std::string> first_captions(const data::DataSource& source, const data::Tokenizer& tokenizer,
                                                      int64_t length, int64_t count);

}  // namespace ditharos::pipelines
