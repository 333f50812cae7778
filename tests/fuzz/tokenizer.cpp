#include <ditharos/data/text/tokenizer.h>
#include "tests/fuzz/fuzz.h"

namespace ditharos::tests {
namespace {

/// A tokenizer from text is the one that was written, and its tokens are within its vocabulary.
void from_text(std::string_view bytes) {
  const data::Tokenizer tokenizer = data::Tokenizer::from_text(std::string(bytes));
  demand(data::Tokenizer::from_text(tokenizer.to_text()).to_text() == tokenizer.to_text(), "the same tokenizer");
  for (const long token : tokenizer.encode(std::string(bytes)))
    demand(token >= 0 && token < tokenizer.vocabulary(), "a token of the vocabulary");
}

}  // namespace

/// The bytes as a tokenizer, as a prompt, and as captions to learn from.
void fuzz_tokenizer(std::string_view bytes) {
  fuzz_one(from_text, bytes);
  const std::string text(bytes);
  const data::Tokenizer tokenizer = data::Tokenizer::train({text}, data::Tokenizer::least_vocabulary + 20);
  const std::vector<long> tokens = tokenizer.encode(text);
  demand(tokenizer.encode(tokenizer.decode(tokens)) == tokens, "the same tokens after decoding");
  tokenizer.unknown_words(text.substr(text.size() / 2));
}

}  // namespace ditharos::tests
