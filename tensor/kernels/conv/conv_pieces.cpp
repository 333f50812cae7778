#include <ditharos/tensor/kernels/conv/conv_pieces.h>

#include <algorithm>

#include <ditharos/tensor/parallel.h>

namespace ditharos::kernels {
namespace {

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

constexpr int64_t wanted_pieces = 8;         // work for as many threads
constexpr int64_t positions_of_piece = 256;  // with fewer, the weights would be read too often
constexpr int64_t small_weight = 64 * 1024;  // elements: cheap enough to be summed for several pieces
constexpr double flops_of_piece = 4e6;       // 30 us on one core

/// Images and channels of a piece; the last piece along either axis may have fewer.
struct Cut {
  int64_t images, channels;
};

Cut cut_of(const ConvGeometry& g, ConvPass pass, int64_t all_channels) {
  int64_t images = std::min(ceil_div(positions_of_piece, product(g.out)), ceil_div(g.batch, wanted_pieces));
  if (pass == ConvPass::weight_gradient) {
    // Each range of images has a sum of its own, which must be added to the others'.
    const bool small = g.out_channels * g.terms() <= small_weight;
    images = ceil_div(g.batch, small ? wanted_pieces : wanted_pieces / 2);
  }
  const int64_t image_pieces = ceil_div(g.batch, images);
  int64_t channel_pieces = 1;
  if (g.groups == 1 && image_pieces < wanted_pieces) {
    const int64_t worth = static_cast<int64_t>(g.flops() / flops_of_piece) / image_pieces;
    channel_pieces = std::max<int64_t>(1, std::min({wanted_pieces / image_pieces, worth, all_channels / 32}));
  }
  return {images, channel_pieces == 1 ? all_channels : ceil_div(ceil_div(all_channels, channel_pieces), 16) * 16};
}

}  // namespace

std::vector<ConvPiece> cut_conv(const ConvGeometry& g, ConvPass pass, bool bias) {
  const bool of_input = pass == ConvPass::input_gradient;
  const int64_t all = of_input ? g.in_channels : g.out_channels;
  const Cut cut = cut_of(g, pass, all);
  std::vector<ConvPiece> pieces;
  for (int64_t image = 0; image < g.batch; image += cut.images)
    for (int64_t channel = 0; channel < all; channel += cut.channels) {
      ConvPiece piece{image, channel, image / cut.images, {g, g.in_image(), g.out_image(), g.terms(), pass, bias}};
      ConvGeometry& part = piece.key.g;
      part.batch = std::min(cut.images, g.batch - image);
      (of_input ? part.in_channels : part.out_channels) = std::min(cut.channels, all - channel);
      pieces.push_back(piece);
    }
  return pieces;
}

template <class T>
void add_parts(int64_t n, int64_t count, const T* parts, T* into) {
  if (count == 0) return;
  parallel_for(n, 65536 / (count + 1) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t part = 0; part < count; ++part) {
      const T* from = parts + part * n;
      for (int64_t i = begin; i < end; ++i) into[i] += from[i];
    }
  });
}
template void add_parts(int64_t, int64_t, const float*, float*);
template void add_parts(int64_t, int64_t, const double*, double*);

}  // namespace ditharos::kernels
