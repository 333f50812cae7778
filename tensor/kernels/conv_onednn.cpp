// Convolution by oneDNN, one single-threaded primitive a piece: given a team of its own, oneDNN splits sums by the
// number of threads, and the result would depend on it.
//
// oneDNN's fast kernels want channels in blocks of 16 (nChw16c). A piece's pictures are brought into that layout and
// back while they are in the cache, which costs 2 to 5 % of the products; so the caller sees plain [B, C, H, W] alone.
#include <algorithm>
#include <cstring>
#include <memory>
#include <unordered_map>
#include <vector>

#include <oneapi/dnnl/dnnl.hpp>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/kernels/conv_geometry.h>
#include <ditharos/tensor/kernels/one_thread.h>
#include <ditharos/tensor/kernels/workspace.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/tensor/storage.h>

namespace ditharos::kernels {
namespace {

using dnnl::memory;

enum class Pass : int64_t { forward, input_gradient, weight_gradient };

/// What a primitive is made for: some pictures and some channels of a convolution. Strides reach from one picture, or
/// one output channel's weights, to the next in the caller's arrays.
struct Key {
  ConvGeometry g;
  int64_t in_stride, out_stride, weight_stride;
  Pass pass;
  int64_t bias;
  friend bool operator==(const Key&, const Key&) = default;
};
struct KeyHash {
  size_t operator()(const Key& key) const {
    static_assert(sizeof(Key) % sizeof(uint64_t) == 0, "the hash reads whole numbers");
    uint64_t numbers[sizeof(Key) / sizeof(uint64_t)], h = 0;
    std::memcpy(numbers, &key, sizeof(Key));
    for (uint64_t v : numbers) {
      h = (h ^ v) * 0x9e3779b97f4a7c15u;  // Fibonacci hashing, one round a number
      h ^= h >> 29;
    }
    return static_cast<size_t>(h);
  }
};

/// Spatial axes that oneDNN is told of: the first one is left out where it does nothing.
size_t first_axis(const ConvGeometry& g) { return g.in[0] == 1 && g.kernel[0] == 1 && g.padding[0] == 0 ? 1 : 0; }

memory::dims spatial(const ConvGeometry& g, const Sizes3& sizes) { return {sizes.begin() + first_axis(g), sizes.end()}; }

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
  explicit Description(const Key& key)
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
    return {engine, algorithm, x, weight, bias, y, stride, dilation, left, right, forward(engine), attributes};
#else
    return {convolution_backward_weights::desc(algorithm, x, weight, bias, y, stride, dilation, left, right),
            attributes, engine, forward(engine)};
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
class Piece {
 public:
  Piece(const Key& key, const dnnl::engine& engine) : pass_(key.pass) {
    const Description description(key);
    const memory::dims weight_dims = Description::weight_dims(key.g);
    const memory::desc x = plain(with_spatial(key.g, {key.g.batch, key.g.in_channels}, key.g.in), 0, key.in_stride);
    const memory::desc y = plain(with_spatial(key.g, {key.g.batch, key.g.out_channels}, key.g.out), 0, key.out_stride);
    const memory::desc weight = plain(weight_dims, key.g.groups == 1 ? 0 : 1, key.weight_stride);
    const auto make = [&](const auto& found, const memory::desc& x_in, const memory::desc& y_in,
                          const memory::desc& weight_in) {
      slow_ = std::strstr(found.impl_info_str(), "ref") != nullptr;
      x_ = Operand(x, x_in, pass_ == Pass::input_gradient, engine);
      y_ = Operand(y, y_in, pass_ == Pass::forward, engine);
      weight_ = Operand(weight, weight_in, pass_ == Pass::weight_gradient, engine);
      scratch_bytes_ = static_cast<int64_t>(found.scratchpad_desc().get_size());
      if (scratch_bytes_) scratch_ = memory(found.scratchpad_desc(), engine, DNNL_MEMORY_NONE);
    };
    if (pass_ == Pass::forward) {
      const auto found = description.forward(engine);
      make(found, found.src_desc(), found.dst_desc(), found.weights_desc());
      primitive_ = dnnl::convolution_forward(found);
      arguments_ = {{DNNL_ARG_SRC, x_.inside()}, {DNNL_ARG_WEIGHTS, weight_.inside()}, {DNNL_ARG_DST, y_.inside()}};
    } else if (pass_ == Pass::input_gradient) {
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
      arguments_.emplace(pass_ == Pass::forward ? DNNL_ARG_BIAS : DNNL_ARG_DIFF_BIAS, bias_);
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
    if (pass_ == Pass::weight_gradient) weight_.set(weight, scratch.weight);
    else weight_.set(nullptr, const_cast<float*>(weight));
    if (bias) bias_.set_data_handle(const_cast<float*>(bias));
    if (scratch_bytes_) scratch_.set_data_handle(scratch.primitive.get<char>(scratch_bytes_));
    if (pass_ != Pass::input_gradient) x_.bring_in(stream);
    if (pass_ != Pass::forward) y_.bring_in(stream);
    primitive_.execute(stream, arguments_);
    if (pass_ == Pass::forward) y_.bring_out(stream);
    if (pass_ == Pass::input_gradient) x_.bring_out(stream);
    if (pass_ == Pass::weight_gradient) weight_.bring_out(stream);
  }

 private:
  Pass pass_;
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
  std::unordered_map<Key, std::unique_ptr<Piece>, KeyHash> pieces;  // null: oneDNN has none
  Scratch scratch;
};
constexpr size_t most_pieces = 2048;  // of one thread; a program with ever new shapes must not grow without end

ThreadState& thread_state() {
  static thread_local ThreadState state;
  return state;
}

Piece* find_or_create(ThreadState& state, const Key& key) {
  const auto found = state.pieces.find(key);
  if (found != state.pieces.end()) return found->second.get();
  if (state.pieces.size() >= most_pieces) state.pieces.clear();
  std::unique_ptr<Piece> piece;
  try {
    piece = std::make_unique<Piece>(key, state.engine);
    if (piece->slow()) piece.reset();
  } catch (const dnnl::error&) {
    // No kernel for this CPU or these sizes: ours takes over.
  }
  return state.pieces.emplace(key, std::move(piece)).first->second.get();
}

/// How a convolution is cut: `images` pictures and `channels` channels (of y; for the input gradient of x) a piece.
/// The last piece along either axis may be smaller.
struct Cut {
  int64_t images, channels;
};

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

constexpr int64_t wanted_pieces = 8;            // so many threads have something to do
constexpr int64_t positions_of_piece = 256;     // fewer would read the weights too often
constexpr int64_t small_weight = 64 * 1024;     // elements: so many can be summed often
constexpr double flops_of_piece = 4e6;          // 30 us on one core

Cut cut_of(const ConvGeometry& g, Pass pass) {
  const int64_t all = pass == Pass::input_gradient ? g.in_channels : g.out_channels;
  int64_t images = std::min(ceil_div(positions_of_piece, product(g.out)), ceil_div(g.batch, wanted_pieces));
  if (pass == Pass::weight_gradient) {
    // Each piece has a sum of its own, which must be added to the others'.
    const bool small = g.out_channels * g.terms() <= small_weight;
    images = ceil_div(g.batch, small ? wanted_pieces : wanted_pieces / 2);
  }
  const int64_t image_pieces = ceil_div(g.batch, images);
  int64_t channel_pieces = 1;
  if (g.groups == 1 && image_pieces < wanted_pieces) {
    const int64_t worth = static_cast<int64_t>(g.flops() / flops_of_piece) / image_pieces;
    channel_pieces = std::max<int64_t>(1, std::min({wanted_pieces / image_pieces, worth, all / 32}));
  }
  const int64_t channels = channel_pieces == 1 ? all : ceil_div(ceil_div(all, channel_pieces), 16) * 16;
  return {images, channels};
}

/// One piece's place and its primitive's key.
struct Task {
  int64_t image, channel;
  Key key;
};

std::vector<Task> tasks_of(const ConvGeometry& g, Pass pass, const Cut& cut, bool bias) {
  const bool of_input = pass == Pass::input_gradient;
  const int64_t all = of_input ? g.in_channels : g.out_channels;
  std::vector<Task> tasks;
  for (int64_t image = 0; image < g.batch; image += cut.images)
    for (int64_t channel = 0; channel < all; channel += cut.channels) {
      // A padded structure would be hashed with what lies between its members; Key is all whole numbers.
      Task task{image, channel, {g, g.in_picture(), g.out_picture(), g.terms(), pass, bias}};
      ConvGeometry& part = task.key.g;
      part.batch = std::min(cut.images, g.batch - image);
      (of_input ? part.in_channels : part.out_channels) = std::min(cut.channels, all - channel);
      tasks.push_back(task);
    }
  return tasks;
}

/// Weights of some channels in the layout that a primitive wants.
struct Arranged {
  memory::desc layout;
  int64_t channel;
  const float* data;
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

/// Makes sure that every task has a primitive.
bool all_exist(const std::vector<Task>& tasks) {
  bool exist = true;
  with_onednn([&](ThreadState& state) {
    for (const Task& task : tasks) exist = exist && find_or_create(state, task.key) != nullptr;
  });
  return exist;
}

const float* arranged_weight(std::vector<Arranged>& known, const Task& task, const float* weight) {
  const float* result = nullptr;
  with_onednn([&](ThreadState& state) {
    Piece& piece = *find_or_create(state, task.key);
    const memory::desc layout = piece.weight().inside().get_desc();
    for (const Arranged& a : known)
      if (a.channel == task.channel && a.layout == layout) result = a.data;
    if (result) return;
    std::unique_ptr<Storage> storage;
    result = weight;
    if (!piece.weight().direct()) {
      storage = std::make_unique<Storage>(static_cast<size_t>(piece.weight().bytes()));
      float* data = static_cast<float*>(storage->data());
      piece.arrange_weight(weight, data, state.stream);
      result = data;
    }
    known.push_back({layout, task.channel, result, std::move(storage)});
  });
  return result;
}

}  // namespace

bool conv_onednn(const ConvGeometry& g, const float* x, const float* weight, const float* bias, float* y) {
  const std::vector<Task> tasks = tasks_of(g, Pass::forward, cut_of(g, Pass::forward), bias != nullptr);
  if (!all_exist(tasks)) return false;
  std::vector<Arranged> known;
  std::vector<const float*> weights;
  for (const Task& task : tasks) weights.push_back(arranged_weight(known, task, weight + task.channel * g.terms()));
  parallel_tasks(static_cast<int64_t>(tasks.size()), [&](int64_t i) {
    const Task& task = tasks[static_cast<size_t>(i)];
    with_onednn([&](ThreadState& state) {
      find_or_create(state, task.key)
          ->run(x + task.image * g.in_picture(), y + task.image * g.out_picture() + task.channel * product(g.out),
                weights[static_cast<size_t>(i)], bias ? bias + task.channel : nullptr, state.stream, state.scratch);
    });
  });
  return true;
}

bool conv_input_gradient_onednn(const ConvGeometry& g, const float* grad, const float* weight, float* dx) {
  const std::vector<Task> tasks = tasks_of(g, Pass::input_gradient, cut_of(g, Pass::input_gradient), false);
  if (!all_exist(tasks)) return false;
  std::vector<Arranged> known;
  std::vector<const float*> weights;
  for (const Task& task : tasks)
    weights.push_back(arranged_weight(known, task, weight + task.channel * product(g.kernel)));
  parallel_tasks(static_cast<int64_t>(tasks.size()), [&](int64_t i) {
    const Task& task = tasks[static_cast<size_t>(i)];
    with_onednn([&](ThreadState& state) {
      find_or_create(state, task.key)
          ->run(dx + task.image * g.in_picture() + task.channel * product(g.in), grad + task.image * g.out_picture(),
                weights[static_cast<size_t>(i)], nullptr, state.stream, state.scratch);
    });
  });
  return true;
}

bool conv_weight_gradient_onednn(const ConvGeometry& g, const float* grad, const float* x, float* dweight,
                                 float* dbias) {
  const Cut cut = cut_of(g, Pass::weight_gradient);
  const std::vector<Task> tasks = tasks_of(g, Pass::weight_gradient, cut, dbias != nullptr);
  if (!all_exist(tasks)) return false;
  // The sums of the first pictures go to their place at once, those of the later parts to a buffer.
  const int64_t later = ceil_div(g.batch, cut.images) - 1, size = g.out_channels * g.terms();
  Storage buffer(sizeof(float) * static_cast<size_t>(later * (size + g.out_channels)));
  float* sums = static_cast<float*>(buffer.data());
  float* bias_sums = sums + later * size;
  parallel_tasks(static_cast<int64_t>(tasks.size()), [&](int64_t i) {
    const Task& task = tasks[static_cast<size_t>(i)];
    const int64_t part = task.image / cut.images;
    float* weight = (part == 0 ? dweight : sums + (part - 1) * size) + task.channel * g.terms();
    float* bias = nullptr;
    if (dbias) bias = (part == 0 ? dbias : bias_sums + (part - 1) * g.out_channels) + task.channel;
    with_onednn([&](ThreadState& state) {
      find_or_create(state, task.key)
          ->run(x + task.image * g.in_picture(), grad + task.image * g.out_picture() + task.channel * product(g.out),
                weight, bias, state.stream, state.scratch);
    });
  });
  add_parts(size, later, sums, dweight);
  if (dbias) add_parts(g.out_channels, later, bias_sums, dbias);
  return true;
}

}  // namespace ditharos::kernels
