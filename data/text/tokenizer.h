#pragma once
// A tokenizer for prompts, with word pieces learnt from captions.
#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <ditharos/tensor/tensor.h>

namespace ditharos::data {

/// Splits words into the longest known pieces (Wu et al., "Google's neural machine translation system", 2016, section
/// 4.1; greedy from the left, as BERT does). Every byte is a piece, so every prompt can be encoded and decoded.
///
/// Tokens: 0 padding, 1 start, 2 the beginning of a word, 3..258 the bytes, then the pieces that were learnt. A piece
/// that begins a word has a blank in front: " sneaker".
class Tokenizer {
 public:
  static constexpr int64_t padding = 0, start = 1, word_begin = 2, first_byte = 3;
  static constexpr int64_t least_vocabulary = first_byte + 256;

  /// Learns at most `vocabulary` tokens. It starts with single bytes and repeatedly joins the pair of neighbouring
  /// pieces that raises the likelihood of the captions most (Schuster and Nakajima, "Japanese and Korean voice search",
  /// 2012), until there are enough pieces or every word is one. ConfigError when the vocabulary is smaller than
  /// least_vocabulary.
  static Tokenizer train(const std::vector<std::string>& captions, int64_t vocabulary);

  /// The tokens of a prompt, the start token first; "" is the start token alone. Case, kinds of white space and
  /// quotation marks, and the encoding of accents do not matter (normalised as in words.h).
  std::vector<int64_t> encode(const std::string& prompt) const;
  /// The tokens of prompts, i64 [B, length], padded with 0. Error naming the prompt and both lengths when one has more
  /// tokens.
  Tensor encode_batch(const std::vector<std::string>& prompts, int64_t length) const;
  /// The text of tokens, without padding and start. Error for a number that is no token.
  std::string decode(const std::vector<int64_t>& tokens) const;
  /// The words of a prompt that are in no training caption, each once, in order.
  std::vector<std::string> unknown_words(const std::string& prompt) const;

  /// The words of the captions, in alphabetical order.
  std::vector<std::string> words() const;

  /// Number of tokens, padding and bytes included.
  int64_t vocabulary() const { return least_vocabulary + static_cast<int64_t>(pieces_.size()); }
  /// The tokenizer as lines of ASCII, for a checkpoint. from_text gives an equal tokenizer, or IoError naming the line
  /// that is malformed.
  std::string to_text() const;
  static Tokenizer from_text(const std::string& text);

 private:
  Tokenizer(std::vector<std::string> pieces, const std::vector<std::string>& words);
  /// Adds the tokens of one word or mark.
  void encode_part(const std::string& part, std::vector<int64_t>& tokens) const;

  std::vector<std::string> pieces_;  // token least_vocabulary + k
  std::unordered_map<std::string, int64_t> token_of_;
  std::unordered_set<std::string> words_;  // of the captions
  size_t longest_piece_ = 1;
};

}  // namespace ditharos::data
