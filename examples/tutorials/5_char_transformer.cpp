// A transformer that writes text, letter by letter: causal attention, held-out loss in bits, sampling with a
// temperature.
//
//   5_char_transformer [FILE...]     any text; without files, some of the licences that Debian carries
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <numbers>
#include <string>
#include <vector>

#include <ditharos/ditharos.h>

using namespace ditharos;

constexpr int64_t context = 64, width = 64;  // characters that the model sees; size of its vectors

struct Block : nn::Module<Block> {
  nn::LayerNorm norm1, norm2;
  nn::Attention attn;  // causal: a character sees itself and those before it
  nn::Mlp mlp;

  explicit Block(Generator& rng)
      : norm1(width), norm2(width), attn({.width = width, .heads = 4, .causal = true}, rng),
        mlp(width, 4 * width, rng) {}
  Tensor forward(const Tensor& x) const {  // [B, T, width] -> [B, T, width]
    const Tensor y = x + attn(norm1(x));
    return y + mlp(norm2(y));
  }
  void visit(nn::Visitor& v) override { v("norm1", norm1), v("norm2", norm2), v("attn", attn), v("mlp", mlp); }
};

struct Transformer : nn::Module<Transformer> {
  nn::Embedding characters, positions;
  std::vector<Block> blocks;
  nn::LayerNorm norm;
  nn::Linear out;

  Transformer(int64_t vocabulary, Generator& rng)
      : characters(vocabulary, width, rng, .1), positions(context, width, rng, .1), norm(width),
        out(width, vocabulary, rng) {
    for (int i = 0; i < 3; ++i) blocks.emplace_back(rng);
  }
  Tensor forward(const Tensor& text) const {  // i64 [B, T] -> [B, T, V]: logits of the next character, at every place
    Tensor x = characters(text) + positions(arange(text.size(1), DType::i64));
    for (const Block& block : blocks) x = block(x);
    return out(norm(x));
  }
  void visit(nn::Visitor& v) override {
    v("characters", characters), v("positions", positions), v("blocks", blocks), v("norm", norm), v("out", out);
  }
};

/// Bits a character: the mean of -log2 p(next character) over pieces [B, context + 1] of a text.
Tensor bits(const Transformer& model, const Tensor& pieces) {
  const Tensor logits = model(slice(pieces, 1, 0, context));
  return cross_entropy(flatten(logits, 0, 1), flatten(slice(pieces, 1, 1, context + 1))) / std::numbers::ln2;
}

int main(int argc, char** argv) try {
  std::vector<std::string> paths(argv + 1, argv + argc);
  if (paths.empty())
    for (const char* name : {"GPL-3", "LGPL-2.1", "GFDL-1.3", "MPL-2.0", "Apache-2.0"})
      paths.push_back(std::string("/usr/share/common-licenses/") + name);
  std::string text;
  for (const std::string& path : paths) {
    std::ifstream file(path, std::ios::binary);
    check<IoError>(bool(file), "cannot read ", path);
    text.append(std::istreambuf_iterator<char>(file), {});
  }
  const auto both_blank = [](char a, char b) { return a == ' ' && b == ' '; };
  text.erase(std::unique(text.begin(), text.end(), both_blank), text.end());  // titles are centred by many blanks
  check(text.size() > 10000, "a text of ", text.size(), " characters is too short to learn from");

  // The vocabulary: every byte that occurs. `ids` is the text as numbers.
  std::array<int64_t, 256> id{};
  std::string letters;
  for (const unsigned char c : text) id[c] = 1;
  for (size_t c = 0; c < id.size(); ++c)
    if (id[c]) id[c] = int64_t(letters.size()), letters += char(c);
  std::vector<int64_t> ids;
  for (const unsigned char c : text) ids.push_back(id[c]);
  const Tensor all = from_vector(ids);

  // Every tenth block of the text is held out.
  constexpr int64_t piece = context + 1, block = 8 * piece;
  const int64_t count = all.numel() / (10 * block);
  const Tensor blocks = narrow(all, 0, 0, count * 10 * block).reshape({count, 10, block});
  const Tensor train = flatten(slice(blocks, 1, 0, 9)), held_out = select(blocks, 1, 9).reshape({-1, piece});
  const Tensor share = to(bincount(all), DType::f32) / double(all.numel());
  std::printf("%zu characters, %zu different ones; their frequencies alone: %.2f bits a character\n", text.size(),
              letters.size(), -sum(share * log2(share)).item());

  Generator rng(/*seed=*/0);
  Transformer model(int64_t(letters.size()), rng);
  // Muon for the matrices within the blocks, AdamW for everything else.
  const auto [matrices, others] = optim::partition(nn::named_parameters(model), [](const nn::NamedTensor& p) {
    return p.name.starts_with("blocks.") && optim::is_matrix(p);
  });
  optim::Muon optimizer(matrices, others);
  const optim::Schedule schedule{.lr = 6e-3, .warmup_steps = 50, .decay = optim::Decay::linear, .total_steps = 600};
  double smooth = 0;
  for (int step = 0; step < schedule.total_steps; ++step) {
    const Tensor starts = rng.randint(0, train.numel() - context, {32, 1});
    const Tensor loss = bits(model, train[starts + arange(piece, DType::i64)]);  // of [32, piece] characters
    optimizer.zero_grad();
    loss.backward();
    optimizer.step(optim::learning_rate(schedule, step));
    smooth += loss.item() / 100;
    if (step % 100 == 99) {
      const NoGrad no_grad;
      std::printf("step %3d: %.2f bits, on held-out text %.2f\n", step + 1, smooth, bits(model, held_out).item());
      smooth = 0;
    }
  }

  // A low temperature prefers the likely characters; at 1 they are drawn with the model's probabilities.
  const NoGrad no_grad;
  for (const double temperature : {.7, 1.0}) {
    Tensor written = slice(held_out, 0, 0, 1);  // a prompt that the model has not seen
    for (int i = 0; i < 300; ++i) {
      const Tensor logits = model(slice(written, 1, i + 1, i + piece))[0][-1];
      const Tensor next = multinomial(softmax(logits / temperature, 0), 1, /*replacement=*/true, rng);
      written = cat({written, unsqueeze(next, 0)}, 1);
    }
    std::string sample;
    for (const int64_t k : written.to_vector<int64_t>()) sample += letters[size_t(k)];
    std::printf("\ntemperature %.1f:\n%s|%s\n", temperature, sample.substr(0, piece).c_str(),
                sample.substr(piece).c_str());
  }
} catch (const std::exception& error) {
  std::fprintf(stderr, "error: %s\n", error.what());
  return 1;
}
