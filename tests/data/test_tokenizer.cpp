#include <doctest/doctest.h>

#include <algorithm>

#include <ditharos/data/text/tokenizer.h>
#include "tests/support/clip_objects.h"
#include "tests/support/data_files.h"

using namespace ditharos;
using namespace ditharos::tests;
using data::Tokenizer;

namespace {

using Tokens = std::vector<int64_t>;

std::vector<std::string> captions(int64_t n) {
  const data::MovingGarments clips = made_clips({.count = n});
  std::vector<std::string> list;
  for (int64_t i = 0; i < n; ++i) list.push_back(clips.caption(i));
  return list;
}
const Tokenizer& trained() {
  static const Tokenizer tokenizer = Tokenizer::train(captions(3000), 640);
  return tokenizer;
}

}  // namespace

TEST_CASE("tokenizer: captions come back, most words take one token, and 24 are enough for every caption") {
  const Tokenizer& tokenizer = trained();
  CHECK(tokenizer.vocabulary() <= 640);
  size_t words = 0, tokens = 0;
  for (const std::string& caption : captions(4000)) {
    const Tokens encoded = tokenizer.encode(caption);
    CHECK(tokenizer.decode(encoded) == caption);
    CHECK(encoded.size() <= 24);
    words += static_cast<size_t>(std::count(caption.begin(), caption.end(), ' ')) + 1;
    tokens += encoded.size() - 1;
  }
  CHECK(static_cast<double>(tokens) < 1.05 * static_cast<double>(words));
}

TEST_CASE("tokenizer: any text can be encoded and comes back but for case and white space") {
  const Tokenizer& tokenizer = trained();
  CHECK(tokenizer.decode(tokenizer.encode("  A \t red, RED\nzebra!  (It's caf\xc3\xa9) ")) ==
        "a red, red zebra! (it's caf\xc3\xa9)");
  std::string every_byte;
  for (int byte = 33; byte < 256; ++byte) {
    if (byte < 'A' || byte > 'Z') every_byte += static_cast<char>(byte);
  }
  CHECK(tokenizer.decode(tokenizer.encode(every_byte)) == every_byte);
  const Tokenizer bytes = Tokenizer::train({}, Tokenizer::least_vocabulary);  // nothing learnt
  CHECK(bytes.vocabulary() == Tokenizer::least_vocabulary);
  CHECK(bytes.encode("ab c") == Tokens{1, 2, 3 + 'a', 3 + 'b', 2, 3 + 'c'});
  CHECK(bytes.decode({1, 2, 3 + 'a', 0, 0}) == "a");
}

TEST_CASE("tokenizer: an empty prompt is the start token alone") {
  CHECK(trained().encode("") == Tokens{Tokenizer::start});
  CHECK(trained().encode(" \t") == Tokens{Tokenizer::start});
  CHECK(trained().encode_batch({""}, 3).to_vector<int64_t>() == Tokens{1, 0, 0});
}

TEST_CASE("tokenizer: batches are padded with 0; a prompt that is too long is refused with both lengths") {
  const Tokenizer tokenizer = Tokenizer::train({"a b", "a b"}, Tokenizer::least_vocabulary);
  const Tensor batch = tokenizer.encode_batch({"a", "a b"}, 5);
  CHECK(batch.dtype() == DType::i64);
  CHECK(batch.shape() == Shape{2, 5});
  CHECK(batch.to_vector<int64_t>() == Tokens{1, 2, 3 + 'a', 0, 0, 1, 2, 3 + 'a', 2, 3 + 'b'});
  CHECK(message_of<Error>([&] { tokenizer.encode_batch({"a", "a b c"}, 5); }) ==
        "[Tokenizer] the prompt 'a b c' takes 7 tokens, but there is room for 5: shorten it");
  CHECK(contains(message_of<ConfigError>([&] { tokenizer.encode_batch({}, 0); }), "at least 1, got 0"));
  CHECK(tokenizer.encode_batch({}, 4).shape() == Shape{0, 4});
}

TEST_CASE("tokenizer: pieces are the joins with the largest gain in likelihood, and the longest one is used") {
  // "ab" three times as often as "cd": joined first. All of "ab ab cd" is then three tokens.
  const Tokenizer tokenizer = Tokenizer::train({"ab ab ab cd"}, Tokenizer::least_vocabulary + 4);
  CHECK(tokenizer.vocabulary() == Tokenizer::least_vocabulary + 4);
  CHECK(tokenizer.encode("ab cd").size() == 3);
  CHECK(tokenizer.encode("abab").size() == 3);  // " ab" and "ab"
  // Half of the pieces are enough for the word that counts for more.
  const Tokenizer smaller = Tokenizer::train({"ab ab ab cd"}, Tokenizer::least_vocabulary + 2);
  CHECK(tokenizer.words() == std::vector<std::string>{"ab", "cd"});
  CHECK(smaller.encode("ab").size() == 2);
  CHECK(smaller.encode("cd").size() == 4);
}

TEST_CASE("tokenizer: words that no caption held are named, each once") {
  CHECK(trained().unknown_words("a Red sneaker drifts left, across a dawn sky").empty());
  CHECK(trained().unknown_words("a zebra, a ZEBRA and 2 sneakers!") ==
        std::vector<std::string>{"zebra", "2", "sneakers"});
  CHECK(trained().unknown_words("").empty());
}

TEST_CASE("tokenizer: its text gives an equal one back; a damaged text is refused by line") {
  const Tokenizer& tokenizer = trained();
  const std::string text = tokenizer.to_text();
  const Tokenizer again = Tokenizer::from_text(text);
  CHECK(again.to_text() == text);
  CHECK(again.vocabulary() == tokenizer.vocabulary());
  for (const std::string& caption : captions(50)) CHECK(again.encode(caption) == tokenizer.encode(caption));
  CHECK(again.unknown_words("a zebra").size() == 1);
  const Tokenizer odd = Tokenizer::train({"\xc3\xa9\xc3\xa9 a_b \\\\ \xc3\xa9\xc3\xa9"}, 300);
  CHECK(Tokenizer::from_text(odd.to_text()).encode("\xc3\xa9\xc3\xa9 a_b \\\\") ==
        odd.encode("\xc3\xa9\xc3\xa9 a_b \\\\"));

  const auto refused = [](const std::string& damaged) {
    return message_of<IoError>([&] { Tokenizer::from_text(damaged); });
  };
  const std::string head = "ditharos tokenizer 1\n";
  CHECK(contains(refused(""), "ends after line 0"));
  CHECK(contains(refused("hello\n"), "line 1 should be 'ditharos tokenizer 1', but is 'hello'"));
  CHECK(contains(refused(head + "pieces x\n"), "line 2 should be 'pieces' and their number"));
  CHECK(contains(refused(head + "pieces 2\nab\n"), "ends after line 3"));
  CHECK(contains(refused(head + "pieces 1\n\\xg1\nwords 0\n"), "line 3: '\\xg1'"));
  CHECK(contains(refused(head + "pieces 2\nab\nab\nwords 0\n"), "'ab' is there twice"));
  CHECK(contains(refused(head + "pieces 1\n\nwords 0\n"), "line 3 is empty"));
  CHECK(contains(refused(head + "pieces 0\nwords 0\nmore\n"), "more lines follow after line 3"));
  CHECK(contains(refused(head + "pieces 99999999999999999999\n"), "line 2"));
}

TEST_CASE("tokenizer: a vocabulary too small for the bytes is refused; learning depends on the captions alone") {
  CHECK(contains(message_of<ConfigError>([] { Tokenizer::train({"a"}, 100); }), "at least 259"));
  CHECK_THROWS_AS(trained().decode({trained().vocabulary()}), Error);
  CHECK_THROWS_AS(trained().decode({-1}), Error);
  std::vector<std::string> forwards = captions(200), backwards(forwards.rbegin(), forwards.rend());
  CHECK(Tokenizer::train(forwards, 400).to_text() == Tokenizer::train(backwards, 400).to_text());
}
