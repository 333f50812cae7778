// A model of one's own: a block of attention and an MLP, trained for a hundred steps.
#include <cstdio>

#include <ditharos/ditharos.h>

using namespace ditharos;

struct Block : nn::Module<Block> {
  nn::LayerNorm norm1, norm2;
  nn::Attention attn;
  nn::Mlp mlp;

  Block(int64_t width, int64_t heads, Generator& rng)
      : norm1(width), norm2(width), attn(width, heads, rng), mlp(width, 4 * width, rng) {}
  Tensor forward(const Tensor& x) const {  // [B, T, D] -> [B, T, D]
    const Tensor y = x + attn(norm1(x));
    return y + mlp(norm2(y));
  }
  void visit(nn::Visitor& v) override { v("norm1", norm1), v("norm2", norm2), v("attn", attn), v("mlp", mlp); }
};

int main() {
  Generator rng(/*seed=*/0);
  Block block(/*width=*/16, /*heads=*/4, rng);
  optim::AdamW optimizer(nn::named_parameters(block));
  const Tensor x = rng.normal({8, 6, 16}), target = flip(x, {1});  // the tokens in reverse
  double first = 0, last = 0;
  for (int step = 0; step < 100; ++step) {
    optimizer.zero_grad();
    const Tensor loss = mse_loss(block(x), target);
    loss.backward();
    optimizer.step(/*lr=*/3e-3);
    last = loss.item();
    if (step == 0) first = last;
  }
  std::printf("%lld parameters; loss %.3f at first, %.3f at the end\n",
              static_cast<long long>(nn::parameter_count(block)), first, last);
  return last < first / 2 ? 0 : 1;
}
