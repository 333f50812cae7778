#include <ditharos/tensor/kernels/onednn/conv.h>

#include <algorithm>
#include <memory>
#include <vector>

#include <ditharos/tensor/kernels/conv/conv_pieces.h>
#include <ditharos/tensor/kernels/onednn/conv_primitive.h>
#include <ditharos/tensor/kernels/onednn/primitive_cache.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/tensor/storage.h>

namespace ditharos::kernels::onednn {
namespace {

/// Null if oneDNN has no fast primitive for operands of In.
template <class In>
ConvPrimitive* find_or_create(const ConvPieceKey& key) {
  static thread_local PrimitiveCache<ConvPieceKey, ConvPrimitive> cache(2048);
  return cache.find_or_create(key, [&] {
    std::unique_ptr<ConvPrimitive> primitive = create_if_supported<ConvPrimitive>(key, type_of<In>());
    if (primitive && primitive->slow()) primitive.reset();
    return primitive;
  });
}

constexpr char failed[] = "[conv] oneDNN failed: ";

template <class In>
bool all_supported(const std::vector<ConvPiece>& pieces) {
  const auto supported = [](const ConvPiece& piece) { return find_or_create<In>(piece.key) != nullptr; };
  return on_one_thread([&] { return std::all_of(pieces.begin(), pieces.end(), supported); }, failed);
}

/// Calls run(piece, its number, its primitive) for every piece, on all threads.
template <class In, class Run>
void run_pieces(const std::vector<ConvPiece>& pieces, const Run& run) {
  parallel_tasks(static_cast<int64_t>(pieces.size()), [&](int64_t task) {
    const size_t i = static_cast<size_t>(task);
    on_one_thread([&] { run(pieces[i], i, *find_or_create<In>(pieces[i].key)); }, failed);
  });
}

/// The weights of every piece in the layout of its primitive. Pieces with the same channels and layout share a copy.
template <class In>
class ReorderedWeights {
 public:
  /// `channel_step`: elements of `weight` from one channel of a piece to the next.
  ReorderedWeights(const std::vector<ConvPiece>& pieces, const In* weight, int64_t channel_step) {
    const auto reorder_all = [&] {
      for (const ConvPiece& piece : pieces) of_piece_.push_back(reorder(piece, weight + piece.channel * channel_step));
    };
    on_one_thread(reorder_all, failed);
  }
  const In* operator[](size_t piece) const { return of_piece_[piece]; }

 private:
  struct Copy {
    dnnl::memory::desc layout;
    int64_t channel;
    std::unique_ptr<Storage> storage;
    In* data() const { return static_cast<In*>(storage->data()); }
  };

  const In* reorder(const ConvPiece& piece, const In* weight) {
    ConvPrimitive& primitive = *find_or_create<In>(piece.key);
    if (primitive.weight().direct()) return weight;
    const dnnl::memory::desc layout = primitive.weight().inner().get_desc();
    for (const Copy& copy : copies_)
      if (copy.channel == piece.channel && copy.layout == layout) return copy.data();
    const size_t bytes = static_cast<size_t>(primitive.weight().bytes());
    copies_.push_back({layout, piece.channel, std::make_unique<Storage>(bytes)});
    primitive.reorder_weight(weight, copies_.back().data());
    return copies_.back().data();
  }

  std::vector<Copy> copies_;
  std::vector<const In*> of_piece_;
};

}  // namespace

template <class In>
bool conv(const ConvGeometry& g, const In* x, const In* weight, const float* bias, float* y) {
  const std::vector<ConvPiece> pieces = cut_conv(g, ConvPass::forward, bias != nullptr);
  if (!all_supported<In>(pieces)) return false;
  const ReorderedWeights<In> weights(pieces, weight, g.terms());
  run_pieces<In>(pieces, [&](const ConvPiece& piece, size_t i, ConvPrimitive& primitive) {
    float* to = y + piece.image * g.out_image() + piece.channel * product(g.out);
    primitive.run(x + piece.image * g.in_image(), to, weights[i], bias ? bias + piece.channel : nullptr);
  });
  return true;
}

template <class In>
bool conv_input_gradient(const ConvGeometry& g, const In* grad, const In* weight, float* dx) {
  const std::vector<ConvPiece> pieces = cut_conv(g, ConvPass::input_gradient, false);
  if (!all_supported<In>(pieces)) return false;
  const ReorderedWeights<In> weights(pieces, weight, product(g.kernel));
  run_pieces<In>(pieces, [&](const ConvPiece& piece, size_t i, ConvPrimitive& primitive) {
    float* to = dx + piece.image * g.in_image() + piece.channel * product(g.in);
    primitive.run(to, grad + piece.image * g.out_image(), weights[i], nullptr);
  });
  return true;
}

template <class In>
bool conv_weight_gradient(const ConvGeometry& g, const In* grad, const In* x, float* dweight) {
  const std::vector<ConvPiece> pieces = cut_conv(g, ConvPass::weight_gradient, false);
  if (!all_supported<In>(pieces)) return false;
  // The sums of the first images go to dweight at once, those of the later parts to a buffer.
  const int64_t later = pieces.back().part, size = g.out_channels * g.terms();
  Storage buffer(sizeof(float) * static_cast<size_t>(later * size));
  float* sums = static_cast<float*>(buffer.data());
  run_pieces<In>(pieces, [&](const ConvPiece& piece, size_t, ConvPrimitive& primitive) {
    float* weight = (piece.part == 0 ? dweight : sums + (piece.part - 1) * size) + piece.channel * g.terms();
    const In* from = grad + piece.image * g.out_image() + piece.channel * product(g.out);
    primitive.run(x + piece.image * g.in_image(), from, weight, nullptr);
  });
  add_parts(size, later, sums, dweight);
  return true;
}

template bool conv(const ConvGeometry&, const float*, const float*, const float*, float*);
template bool conv(const ConvGeometry&, const bfloat16*, const bfloat16*, const float*, float*);
template bool conv_input_gradient(const ConvGeometry&, const float*, const float*, float*);
template bool conv_input_gradient(const ConvGeometry&, const bfloat16*, const bfloat16*, float*);
template bool conv_weight_gradient(const ConvGeometry&, const float*, const float*, float*);
template bool conv_weight_gradient(const ConvGeometry&, const bfloat16*, const bfloat16*, float*);

}  // namespace ditharos::kernels::onednn
