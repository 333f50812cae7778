#pragma once
// Internal to tensor/kernels/.
// Splits a convolution into pieces for threads, and adds the sums of pieces. The split depends on the sizes alone.
#include <cstdint>
#include <vector>

#include <ditharos/tensor/kernels/conv/conv_geometry.h>

namespace ditharos::kernels {

enum class ConvPass : int64_t { forward, input_gradient, weight_gradient };

/// The geometry of a piece, the key of its primitive: some images and some channels of a convolution. Strides are the
/// distances between images, or between the weights of output channels, in the caller's arrays.
struct ConvPieceKey {
  ConvGeometry g;
  int64_t in_stride, out_stride, weight_stride;
  ConvPass pass;
  int64_t bias;  ///< 0 or 1
  friend bool operator==(const ConvPieceKey&, const ConvPieceKey&) = default;
};

/// A piece: its first image and its first channel (of y; for the input gradient of x). `part` is the index of its range
/// of images; for the weight gradient, each range has a sum of its own.
struct ConvPiece {
  int64_t image, channel, part;
  ConvPieceKey key;
};

/// For g with at least one element on either side; pieces come in the order of their images.
std::vector<ConvPiece> cut_conv(const ConvGeometry& g, ConvPass pass, bool bias);

/// into[i] += parts[0][i] + parts[1][i] + ..., in this order; parts [count, n].
template <class T>
void add_parts(int64_t n, int64_t count, const T* parts, T* into);

}  // namespace ditharos::kernels
