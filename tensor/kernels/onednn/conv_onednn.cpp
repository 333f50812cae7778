// Convolution by oneDNN, one single-threaded primitive a piece: given a team of its own, oneDNN splits sums by the
// number of threads, and the result would depend on it.
//
// oneDNN's fast kernels want channels in blocks of 16 (nChw16c). A piece's pictures are brought into that layout and
// back while they are in the cache, which costs 2 to 5 % of the products; so the caller sees plain [B, C, H, W] alone.
#include <cstring>
#include <memory>
#include <unordered_map>
#include <vector>

#include <oneapi/dnnl/dnnl.hpp>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/kernels/conv/conv_geometry.h>
#include <ditharos/tensor/kernels/conv/conv_pieces.h>
#include <ditharos/tensor/kernels/onednn/one_thread.h>
#include <ditharos/tensor/kernels/workspace.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/tensor/storage.h>

namespace ditharos::kernels {
namespace {

using dnnl::memory;

/// Spatial axes that oneDNN is told of: the first one is left out where it does nothing.
size_t first_axis(const ConvGeometry& g) { return g.in[0] == 1 && g.kernel[0] == 1 && g.padding[0] == 0 ? 1 : 0; }

memory::dims spatial(const ConvGeometry& g, const Sizes3& sizes) {
  return {sizes.begin() + first_axis(g), sizes.end()};
}

memory::dims with_spatial(const ConvGeometry& g, memory::dims leading, const Sizes3& sizes) {
  for (int64_t size : spatial(g, sizes)) leading.push_back(size);
  return leading;
}

/// Row-major, but for the stride of the axis at `axis`.
memory::desc plain(const memory::dims& dims, size_t axis, int64_t stride) {
  memory::dims strides(dims.size(), 1);
  for (size_t i = dims.size() - 1; i-- > 0;) strides[i] = strides[i + 1] * dims[i + 1];
  // The stride of an axis of size 1 has no meaning; the dense one lets layouts compare equal.
  if (dims[axis] > 1) strides[axis] = stride;
  for (size_t i = axis; i-- > 0;) strides[i] = strides[i + 1] * dims[i + 1];
  return {dims, memory::data_type::f32, strides};
}
memory::desc any(const memory::dims& dims) { return {dims, memory::data_type::f32, memory::format_tag::any}; }

/// The descriptors of a convolution, and the primitives made of them, in the words of both versions of oneDNN.
struct Description {
  explicit Description(const ConvPieceKey& key)
      : x(any(with_spatial(key.g, {key.g.batch, key.g.in_channels}, key.g.in))),
        y(any(with_spatial(key.g, {key.g.batch, key.g.out_channels}, key.g.out))), weight(any(weight_dims(key.g))),
        stride(spatial(key.g, key.g.stride)), left(spatial(key.g, key.g.padding)) {
    if (key.bias) bias = memory::desc({key.g.out_channels}, memory::data_type::f32, memory::format_tag::a);
    for (size_t i = first_axis(key.g); i < 3; ++i) {
      dilation.push_back(key.g.dilation[i] - 1);
      const int64_t reach = (key.g.out[i] - 1) * key.g.stride[i] + key.g.dilation[i] * (key.g.kernel[i] - 1) + 1;
      right.push_back(reach - key.g.in[i] - key.g.padding[i]);
    }
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  }

  static memory::dims weight_dims(const ConvGeometry& g) {
    const memory::dims leading = g.groups == 1
                                     ? memory::dims{g.out_channels, g.in_channels}
                                     : memory::dims{g.groups, g.out_channels / g.groups, g.in_channels / g.groups};
    return with_spatial(g, leading, g.kernel);
  }

  dnnl::convolution_forward::primitive_desc forward(const dnnl::engine& engine) const {
    using dnnl::convolution_forward;
    constexpr auto kind = dnnl::prop_kind::forward_training;
#if DNNL_VERSION_MAJOR >= 3
    return {engine, kind, algorithm, x, weight, bias, y, stride, dilation, left, right, attributes};
#else
    return {convolution_forward::desc(kind, algorithm, x, weight, bias, y, stride, dilation, left, right), attributes,
            engine};
#endif
  }
  dnnl::convolution_backward_data::primitive_desc input_gradient(const dnnl::engine& engine) const {
    using dnnl::convolution_backward_data;
#if DNNL_VERSION_MAJOR >= 3
    return {engine, algorithm, x, weight, y, stride, dilation, left, right, forward(engine), attributes};
#else
    return {convolution_backward_data::desc(algorithm, x, weight, y, stride, dilation, left, right), attributes, engine,
            forward(engine)};
#endif
  }
  dnnl::convolution_backward_weights::primitive_desc weight_gradient(const dnnl::engine& engine) const {
    using dnnl::convolution_backward_weights;
#if DNNL_VERSION_MAJOR >= 3
    return {engine, algorithm, x, weight, y, stride, dilation, left, right, forward(engine), attributes};
#else
    return {convolution_backward_weights::desc(algorithm, x, weight, y, stride, dilation, left, right), attributes,
            engine, forward(engine)};
#endif
  }

  static constexpr auto algorithm = dnnl::algorithm::convolution_direct;
  memory::desc x, y, weight, bias;
  memory::dims stride, dilation, left, right;
  dnnl::primitive_attr attributes;
};

/// An array in the caller's layout and in the one that the primitive wants, and the way between them.
class Operand {
 public:
  Operand() = default;
  Operand(const memory::desc& caller, const memory::desc& wanted, bool result, const dnnl::engine& engine)
      : direct_(caller == wanted), outside_(caller, engine, DNNL_MEMORY_NONE),
        inside_(wanted, engine, DNNL_MEMORY_NONE), bytes_(direct_ ? 0 : static_cast<int64_t>(wanted.get_size())) {
    if (direct_) return;
    move_ = result ? dnnl::reorder(inside_, outside_) : dnnl::reorder(outside_, inside_);
  }

  const memory& inside() const { return inside_; }
  bool direct() const { return direct_; }
  int64_t bytes() const { return bytes_; }

  /// oneDNN's handles are not const; sources are only read.
  void set(const float* data, Workspace& scratch) {
    outside_.set_data_handle(const_cast<float*>(data));
    if (direct_) inside_.set_data_handle(const_cast<float*>(data));
    else inside_.set_data_handle(scratch.get<char>(bytes_));
  }
  void set(const float* outside, float* inside) {
    outside_.set_data_handle(const_cast<float*>(outside));
    inside_.set_data_handle(inside);
  }
  void bring_in(dnnl::stream& stream) { if (!direct_) move_.execute(stream, outside_, inside_); }
  void bring_out(dnnl::stream& stream) { if (!direct_) move_.execute(stream, inside_, outside_); }

 private:
  bool direct_ = true;
  memory outside_, inside_;
  int64_t bytes_ = 0;
  dnnl::reorder move_;
};

struct Scratch {
  Workspace x, y, weight, primitive;
};

/// A primitive with the memory objects that it is run on; only their addresses change between runs.
class Primitive {
 public:
  Primitive(const ConvPieceKey& key, const dnnl::engine& engine) : pass_(key.pass) {
    const Description description(key);
    const memory::dims weight_dims = Description::weight_dims(key.g);
    const memory::desc x = plain(with_spatial(key.g, {key.g.batch, key.g.in_channels}, key.g.in), 0, key.in_stride);
    const memory::desc y = plain(with_spatial(key.g, {key.g.batch, key.g.out_channels}, key.g.out), 0, key.out_stride);
    const memory::desc weight = plain(weight_dims, key.g.groups == 1 ? 0 : 1, key.weight_stride);
    const auto make = [&](const auto& found, const memory::desc& x_in, const memory::desc& y_in,
                          const memory::desc& weight_in) {
      slow_ = std::strstr(found.impl_info_str(), "ref") != nullptr;
      x_ = Operand(x, x_in, pass_ == ConvPass::input_gradient, engine);
      y_ = Operand(y, y_in, pass_ == ConvPass::forward, engine);
      weight_ = Operand(weight, weight_in, pass_ == ConvPass::weight_gradient, engine);
      scratch_bytes_ = static_cast<int64_t>(found.scratchpad_desc().get_size());
      if (scratch_bytes_) scratch_ = memory(found.scratchpad_desc(), engine, DNNL_MEMORY_NONE);
    };
    if (pass_ == ConvPass::forward) {
      const auto found = description.forward(engine);
      make(found, found.src_desc(), found.dst_desc(), found.weights_desc());
      primitive_ = dnnl::convolution_forward(found);
      arguments_ = {{DNNL_ARG_SRC, x_.inside()}, {DNNL_ARG_WEIGHTS, weight_.inside()}, {DNNL_ARG_DST, y_.inside()}};
    } else if (pass_ == ConvPass::input_gradient) {
      const auto found = description.input_gradient(engine);
      make(found, found.diff_src_desc(), found.diff_dst_desc(), found.weights_desc());
      primitive_ = dnnl::convolution_backward_data(found);
      arguments_ = {{DNNL_ARG_DIFF_SRC, x_.inside()}, {DNNL_ARG_WEIGHTS, weight_.inside()},
                    {DNNL_ARG_DIFF_DST, y_.inside()}};
    } else {
      const auto found = description.weight_gradient(engine);
      make(found, found.src_desc(), found.diff_dst_desc(), found.diff_weights_desc());
      primitive_ = dnnl::convolution_backward_weights(found);
      arguments_ = {{DNNL_ARG_SRC, x_.inside()}, {DNNL_ARG_DIFF_WEIGHTS, weight_.inside()},
                    {DNNL_ARG_DIFF_DST, y_.inside()}};
    }
    if (key.bias) {
      bias_ = memory(description.bias, engine, DNNL_MEMORY_NONE);
      arguments_.emplace(DNNL_ARG_BIAS, bias_);
    }
    if (scratch_bytes_) arguments_.emplace(DNNL_ARG_SCRATCHPAD, scratch_);
  }

  /// oneDNN has nothing better than its plain reference loops.
  bool slow() const { return slow_; }
  const Operand& weight() const { return weight_; }

  /// Weights in the primitive's layout, for the forward pass and the input gradient; several threads may share them.
  void arrange_weight(const float* weight, float* arranged, dnnl::stream& stream) {
    weight_.set(weight, arranged);
    weight_.bring_in(stream);
  }

  /// `weight`: for the weight gradient the result in the caller's layout, otherwise arranged.
  void run(const float* x, const float* y, const float* weight, const float* bias, dnnl::stream& stream,
           Scratch& scratch) {
    x_.set(x, scratch.x);
    y_.set(y, scratch.y);
    if (pass_ == ConvPass::weight_gradient) weight_.set(weight, scratch.weight);
    else weight_.set(nullptr, const_cast<float*>(weight));
    if (bias) bias_.set_data_handle(const_cast<float*>(bias));
    if (scratch_bytes_) scratch_.set_data_handle(scratch.primitive.get<char>(scratch_bytes_));
    if (pass_ != ConvPass::input_gradient) x_.bring_in(stream);
    if (pass_ != ConvPass::forward) y_.bring_in(stream);
    primitive_.execute(stream, arguments_);
    if (pass_ == ConvPass::forward) y_.bring_out(stream);
    if (pass_ == ConvPass::input_gradient) x_.bring_out(stream);
    if (pass_ == ConvPass::weight_gradient) weight_.bring_out(stream);
  }

 private:
  ConvPass pass_;
  bool slow_ = false;
  dnnl::primitive primitive_;
  Operand x_, y_, weight_;
  memory bias_, scratch_;
  int64_t scratch_bytes_ = 0;
  std::unordered_map<int, memory> arguments_;
};

/// What one thread keeps. A stream and a primitive's arguments must not be used by two threads at once.
struct ThreadState {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  std::unordered_map<ConvPieceKey, std::unique_ptr<Primitive>, ConvPieceKeyHash> primitives;  // null: oneDNN has none
  Scratch scratch;
};
constexpr size_t most_primitives = 2048;  // of one thread; a program with ever new shapes must not grow without end

ThreadState& thread_state() {
  static thread_local ThreadState state;
  return state;
}

Primitive* find_or_create(ThreadState& state, const ConvPieceKey& key) {
  const auto found = state.primitives.find(key);
  if (found != state.primitives.end()) return found->second.get();
  if (state.primitives.size() >= most_primitives) state.primitives.clear();
  std::unique_ptr<Primitive> piece;
  try {
    piece = std::make_unique<Primitive>(key, state.engine);
    if (piece->slow()) piece.reset();
  } catch (const dnnl::error&) {
    // No kernel for this CPU or these sizes: ours takes over.
  }
  return state.primitives.emplace(key, std::move(piece)).first->second.get();
}

/// Weights of some channels in the layout that a primitive wants.
struct Arranged {
  memory::desc layout;
  int64_t channel;
  std::unique_ptr<Storage> storage;
};

/// Runs body on this thread's primitives, as one thread; what oneDNN throws becomes ours.
template <class Body>
void with_onednn(const Body& body) {
  const OneThread one_thread;
  try {
    body(thread_state());
  } catch (const dnnl::error& e) {
    fail("[conv] oneDNN failed: ", e.what());
  }
}

/// Makes sure that every piece has a primitive.
bool all_exist(const std::vector<ConvPiece>& pieces) {
  bool exist = true;
  with_onednn([&](ThreadState& state) {
    for (const ConvPiece& piece : pieces) exist = exist && find_or_create(state, piece.key) != nullptr;
  });
  return exist;
}

/// Runs run(piece, its number, its primitive, the thread's state) for every piece, on all threads.
template <class Run>
void run_pieces(const std::vector<ConvPiece>& pieces, const Run& run) {
  parallel_tasks(static_cast<int64_t>(pieces.size()), [&](int64_t task) {
    const size_t i = static_cast<size_t>(task);
    with_onednn([&](ThreadState& state) { run(pieces[i], i, *find_or_create(state, pieces[i].key), state); });
  });
}

/// The weights of every piece as its primitive wants them, arranged once for all pieces that want the same.
class ArrangedWeights {
 public:
  /// `channel_step`: elements of `weight` from one channel of a piece to the next.
  ArrangedWeights(const std::vector<ConvPiece>& pieces, const float* weight, int64_t channel_step) {
    with_onednn([&](ThreadState& state) {
      for (const ConvPiece& piece : pieces)
        of_piece_.push_back(arrange(piece, weight + piece.channel * channel_step, state));
    });
  }
  const float* operator[](size_t piece) const { return of_piece_[piece]; }

 private:
  const float* arrange(const ConvPiece& piece, const float* weight, ThreadState& state) {
    Primitive& primitive = *find_or_create(state, piece.key);
    if (primitive.weight().direct()) return weight;
    const memory::desc layout = primitive.weight().inside().get_desc();
    for (const Arranged& a : known_)
      if (a.channel == piece.channel && a.layout == layout) return static_cast<const float*>(a.storage->data());
    auto storage = std::make_unique<Storage>(static_cast<size_t>(primitive.weight().bytes()));
    primitive.arrange_weight(weight, static_cast<float*>(storage->data()), state.stream);
    known_.push_back({layout, piece.channel, std::move(storage)});
    return static_cast<const float*>(known_.back().storage->data());
  }

  std::vector<Arranged> known_;
  std::vector<const float*> of_piece_;
};

}  // namespace

bool conv_onednn(const ConvGeometry& g, const float* x, const float* weight, const float* bias, float* y) {
  const std::vector<ConvPiece> pieces = cut_conv(g, ConvPass::forward, bias != nullptr);
  if (!all_exist(pieces)) return false;
  const ArrangedWeights weights(pieces, weight, g.terms());
  run_pieces(pieces, [&](const ConvPiece& piece, size_t i, Primitive& primitive, ThreadState& state) {
    float* to = y + piece.image * g.out_picture() + piece.channel * product(g.out);
    primitive.run(x + piece.image * g.in_picture(), to, weights[i], bias ? bias + piece.channel : nullptr,
                  state.stream, state.scratch);
  });
  return true;
}

bool conv_input_gradient_onednn(const ConvGeometry& g, const float* grad, const float* weight, float* dx) {
  const std::vector<ConvPiece> pieces = cut_conv(g, ConvPass::input_gradient, false);
  if (!all_exist(pieces)) return false;
  const ArrangedWeights weights(pieces, weight, product(g.kernel));
  run_pieces(pieces, [&](const ConvPiece& piece, size_t i, Primitive& primitive, ThreadState& state) {
    float* to = dx + piece.image * g.in_picture() + piece.channel * product(g.in);
    primitive.run(to, grad + piece.image * g.out_picture(), weights[i], nullptr, state.stream, state.scratch);
  });
  return true;
}

bool conv_weight_gradient_onednn(const ConvGeometry& g, const float* grad, const float* x, float* dweight) {
  const std::vector<ConvPiece> pieces = cut_conv(g, ConvPass::weight_gradient, false);
  if (!all_exist(pieces)) return false;
  // The sums of the first pictures go to their place at once, those of the later parts to a buffer.
  const int64_t later = pieces.back().part, size = g.out_channels * g.terms();
  Storage buffer(sizeof(float) * static_cast<size_t>(later * size));
  float* sums = static_cast<float*>(buffer.data());
  run_pieces(pieces, [&](const ConvPiece& piece, size_t, Primitive& primitive, ThreadState& state) {
    float* weight = (piece.part == 0 ? dweight : sums + (piece.part - 1) * size) + piece.channel * g.terms();
    const float* from = grad + piece.image * g.out_picture() + piece.channel * product(g.out);
    primitive.run(x + piece.image * g.in_picture(), from, weight, nullptr, state.stream, state.scratch);
  });
  add_parts(size, later, sums, dweight);
  return true;
}

}  // namespace ditharos::kernels
