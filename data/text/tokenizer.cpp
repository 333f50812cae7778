#include <ditharos/data/text/tokenizer.h>

#include <algorithm>
#include <map>

#include <ditharos/data/text/piece_learner.h>
#include <ditharos/data/text/unicode.h>
#include <ditharos/data/text/words.h>

namespace ditharos::data {
namespace {

constexpr const char* first_line = "ditharos tokenizer 1";
constexpr const char* hex_digits = "0123456789abcdef";

/// A piece as printable ASCII: '_' for the beginning of a word, \xHH for other bytes that are not plain characters.
std::string escaped(const std::string& piece) {
  std::string text;
  for (const char c : piece) {
    const auto byte = static_cast<uint8_t>(c);
    if (c == ' ') text += '_';
    else if (byte > 32 && byte < 127 && c != '\\' && c != '_') text += c;
    else text += std::string("\\x") + hex_digits[byte >> 4] + hex_digits[byte & 15];
  }
  return text;
}
std::string unescaped(const std::string& text, int64_t line) {
  std::string piece;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '_') piece += ' ';
    else if (text[i] != '\\') piece += text[i];
    else {
      const std::string digits = text.substr(i, 4);
      const bool complete =
          digits.size() == 4 && digits[1] == 'x' && digits.find_first_not_of(hex_digits, 2) == std::string::npos;
      check<IoError>(complete, "[Tokenizer] line ", line, ": '", digits, "' should be \\x and two digits 0-9a-f");
      piece += static_cast<char>(std::stoi(digits.substr(2), nullptr, 16));
      i += 3;
    }
  }
  return piece;
}

/// The lines of a tokenizer's text, one after the other.
class Lines {
 public:
  explicit Lines(const std::string& text) : text_(text) {}
  std::string next() {
    check<IoError>(at_ < text_.size(), "[Tokenizer] the text ends after line ", number_);
    const size_t end = std::min(text_.find('\n', at_), text_.size());
    std::string line = text_.substr(at_, end - at_);
    at_ = end + 1;
    ++number_;
    return line;
  }
  /// A line "`what` N", and then N escaped lines.
  std::vector<std::string> list(const std::string& what) {
    const std::string line = next();
    const std::string digits = line.substr(std::min(line.size(), what.size() + 1));
    check<IoError>(line.starts_with(what + " ") && !digits.empty() && digits.size() <= 9 &&
                       digits.find_first_not_of("0123456789") == std::string::npos,
                   "[Tokenizer] line ", number_, " should be '", what, "' and their number, but is '", line, "'");
    std::vector<std::string> entries;
    for (int64_t left = std::stoll(digits); left > 0; --left) {
      const std::string entry = next();
      entries.push_back(unescaped(entry, number_));
      check<IoError>(!entries.back().empty(), "[Tokenizer] line ", number_, " is empty");
    }
    return entries;
  }
  bool at_end() const { return at_ >= text_.size(); }
  int64_t number() const { return number_; }

 private:
  const std::string& text_;
  size_t at_ = 0;
  int64_t number_ = 0;
};

}  // namespace

Tokenizer::Tokenizer(std::vector<std::string> pieces, const std::vector<std::string>& words)
    : pieces_(std::move(pieces)) {
  // Older versions stored words that were folded for ASCII only; these are folded here.
  for (const std::string& word : words) words_.insert(normalized(word, Case::folded));
  token_of_[" "] = word_begin;
  for (int byte = 0; byte < 256; ++byte) {
    if (byte != ' ') token_of_[std::string(1, static_cast<char>(byte))] = first_byte + byte;
  }
  for (size_t k = 0; k < pieces_.size(); ++k) {
    const bool fresh = token_of_.emplace(pieces_[k], least_vocabulary + static_cast<int64_t>(k)).second;
    check<IoError>(fresh, "[Tokenizer] the piece '", escaped(pieces_[k]), "' is there twice");
    longest_piece_ = std::max(longest_piece_, pieces_[k].size());
  }
}

Tokenizer Tokenizer::train(const std::vector<std::string>& captions, int64_t vocabulary) {
  check<ConfigError>(vocabulary >= least_vocabulary, "[Tokenizer] a vocabulary has at least ", least_vocabulary,
                     " tokens (padding, start, a word's beginning and the bytes), got ", vocabulary);
  std::map<std::string, int64_t> counts;  // of words and marks; ordered, so that learning is deterministic
  std::vector<std::string> words;
  for (const std::string& caption : captions) {
    for (const std::string& part : split_words(caption)) ++counts[part];
  }
  for (const auto& [part, count] : counts) {
    if (is_word(part)) words.push_back(without_blank(part));
  }
  return {learn_pieces(counts, vocabulary - least_vocabulary), words};
}

void Tokenizer::encode_part(const std::string& part, std::vector<int64_t>& tokens) const {
  for (size_t at = 0; at < part.size();) {
    size_t length = std::min(longest_piece_, part.size() - at);
    auto found = token_of_.find(part.substr(at, length));
    while (found == token_of_.end()) found = token_of_.find(part.substr(at, --length));  // a byte at the latest
    tokens.push_back(found->second);
    at += length;
  }
}

std::vector<int64_t> Tokenizer::encode(const std::string& prompt) const {
  std::vector<int64_t> tokens{start};
  for (const std::string& part : split_words(prompt)) encode_part(part, tokens);
  return tokens;
}

Tensor Tokenizer::encode_batch(const std::vector<std::string>& prompts, int64_t length) const {
  check<ConfigError>(length >= 1, "[Tokenizer] the length of encoded prompts must be at least 1, got ", length);
  Tensor batch({static_cast<int64_t>(prompts.size()), length}, DType::i64);
  int64_t* to = batch.mutable_data<int64_t>();
  for (const std::string& prompt : prompts) {
    const std::vector<int64_t> tokens = encode(prompt);
    const auto used = static_cast<int64_t>(tokens.size());
    check<Error>(used <= length, "[Tokenizer] the prompt '", prompt, "' takes ", used,
                 " tokens, but there is room for ", length, ": shorten it");
    std::copy(tokens.begin(), tokens.end(), to);
    std::fill(to + used, to + length, padding);
    to += length;
  }
  return batch;
}

std::string Tokenizer::decode(const std::vector<int64_t>& tokens) const {
  std::string text;
  for (const int64_t token : tokens) {
    check<Error>(token >= 0 && token < vocabulary(), "[Tokenizer] ", token, " is no token: there are ", vocabulary());
    if (token == word_begin) text += ' ';
    else if (token >= least_vocabulary) text += pieces_[static_cast<size_t>(token - least_vocabulary)];
    else if (token >= first_byte) text += static_cast<char>(token - first_byte);
  }
  return without_blank(text);
}

std::vector<std::string> Tokenizer::unknown_words(const std::string& prompt) const {
  std::vector<std::string> unknown;
  for (const std::string& part : split_words(prompt)) {
    const std::string word = without_blank(part);
    const bool listed = std::find(unknown.begin(), unknown.end(), word) != unknown.end();
    if (is_word(part) && !words_.contains(word) && !listed) unknown.push_back(word);
  }
  return unknown;
}

std::vector<std::string> Tokenizer::words() const {
  std::vector<std::string> words(words_.begin(), words_.end());
  std::sort(words.begin(), words.end());
  return words;
}

std::string Tokenizer::to_text() const {
  const std::vector<std::string> words = this->words();
  std::string text = first_line + ("\npieces " + std::to_string(pieces_.size()) + "\n");
  for (const std::string& piece : pieces_) text += escaped(piece) + "\n";
  text += "words " + std::to_string(words.size()) + "\n";
  for (const std::string& word : words) text += escaped(word) + "\n";
  return text;
}

Tokenizer Tokenizer::from_text(const std::string& text) {
  Lines lines(text);
  const std::string first = lines.next();
  check<IoError>(first == first_line, "[Tokenizer] line 1 should be '", first_line, "', but is '", first, "'");
  std::vector<std::string> pieces = lines.list("pieces");
  const std::vector<std::string> words = lines.list("words");
  check<IoError>(lines.at_end(), "[Tokenizer] more lines follow after line ", lines.number(), ", the last word");
  return {std::move(pieces), words};
}

}  // namespace ditharos::data
