#include <ditharos/pipelines/prompts.h>

#include <algorithm>

#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/io/quoted_text.h>

namespace ditharos::pipelines {

Tensor encode_prompts(const data::Tokenizer& tokenizer, const std::vector<std::string>& prompts, int64_t length) {
  for (const std::string& prompt : prompts) {
    const int64_t tokens = int64_t(tokenizer.encode(prompt).size());
    check<ConfigError>(tokens > 1, "the prompt ", quote(prompt), " is empty: say what it should show");
    check<ConfigError>(tokens <= length, "the prompt ", quote(prompt), " is too long: it takes ", tokens,
                       " tokens, and the model reads ", length, "; say it in fewer words");
  }
  return tokenizer.encode_batch(prompts, length);
}

Tensor encode_captions(const data::Tokenizer& tokenizer, const std::vector<std::string>& captions, int64_t length) {
  std::vector<int64_t> all;
  for (const std::string& caption : captions) {
    std::vector<int64_t> tokens = tokenizer.encode(caption);
    tokens.resize(size_t(length), data::Tokenizer::padding);
    all.insert(all.end(), tokens.begin(), tokens.end());
  }
  return from_vector(all, {int64_t(captions.size()), length});
}

Tensor null_prompt(const data::Tokenizer& tokenizer, int64_t length) {
  return select(tokenizer.encode_batch({""}, length), 0, 0);
}

std::vector<std::string> first_captions(const data::DataSource& source, const data::Tokenizer& tokenizer,
                                        int64_t length, int64_t count) {
  std::vector<std::string> captions;
  const int64_t tried = std::min<int64_t>(source.size(), 1000);
  for (int64_t i = 0; i < tried && int64_t(captions.size()) < count; ++i) {
    const std::string caption = source.caption(i);
    const bool fits = int64_t(tokenizer.encode(caption).size()) <= length;
    if (fits && std::find(captions.begin(), captions.end(), caption) == captions.end()) captions.push_back(caption);
  }
  check<ConfigError>(!captions.empty(), "none of the first ", tried, " captions fits into prompt_length = ", length,
                     " tokens, so the model would read no caption to its end");
  return captions;
}

}  // namespace ditharos::pipelines
