#include <ditharos/tensor/kernels/onednn/conv_primitive.h>

#include <cstring>

namespace ditharos::kernels::onednn {
namespace {

using dnnl::memory;

/// The first spatial axis in oneDNN's descriptions: axis 0 is left out when its sizes are 1.
size_t first_axis(const ConvGeometry& g) { return g.in[0] == 1 && g.kernel[0] == 1 && g.padding[0] == 0 ? 1 : 0; }

memory::dims spatial(const ConvGeometry& g, const Sizes3& sizes) {
  return {sizes.begin() + first_axis(g), sizes.end()};
}

memory::dims with_spatial(const ConvGeometry& g, memory::dims leading, const Sizes3& sizes) {
  for (int64_t size : spatial(g, sizes)) leading.push_back(size);
  return leading;
}

memory::dims x_dims(const ConvGeometry& g) { return with_spatial(g, {g.batch, g.in_channels}, g.in); }
memory::dims y_dims(const ConvGeometry& g) { return with_spatial(g, {g.batch, g.out_channels}, g.out); }
memory::dims weight_dims(const ConvGeometry& g) {
  if (g.groups == 1) return with_spatial(g, {g.out_channels, g.in_channels}, g.kernel);
  return with_spatial(g, {g.groups, g.out_channels / g.groups, g.in_channels / g.groups}, g.kernel);
}

/// Row-major, except for the stride of the axis at `axis`.
memory::desc plain(const memory::dims& dims, memory::data_type type, size_t axis, int64_t stride) {
  memory::dims strides(dims.size(), 1);
  for (size_t i = dims.size() - 1; i-- > 0;) strides[i] = strides[i + 1] * dims[i + 1];
  // The stride of an axis of size 1 has no meaning; the dense one lets layouts compare equal.
  if (dims[axis] > 1) strides[axis] = stride;
  for (size_t i = axis; i-- > 0;) strides[i] = strides[i + 1] * dims[i + 1];
  return {dims, type, strides};
}
memory::desc any(const memory::dims& dims, memory::data_type type) { return {dims, type, memory::format_tag::any}; }

constexpr auto f32 = memory::data_type::f32;

memory::desc bias_layout(const ConvPieceKey& key) {
  if (!key.bias) return {};
  return {{key.g.out_channels}, f32, memory::format_tag::a};
}

/// Creates the descriptions of a convolution's three passes, which read elements of type `operands` and write f32.
/// oneDNN chooses the layouts.
struct Descriptions {
  Descriptions(const ConvPieceKey& key, memory::data_type operands)
      : operands(operands), x(x_dims(key.g)), y(y_dims(key.g)), weight(weight_dims(key.g)), bias(bias_layout(key)),
        stride(spatial(key.g, key.g.stride)), left(spatial(key.g, key.g.padding)) {
    for (size_t i = first_axis(key.g); i < 3; ++i) {
      dilation.push_back(key.g.dilation[i] - 1);
      const int64_t reach = (key.g.out[i] - 1) * key.g.stride[i] + key.g.dilation[i] * (key.g.kernel[i] - 1) + 1;
      right.push_back(reach - key.g.in[i] - key.g.padding[i]);
    }
  }

  dnnl::convolution_forward::primitive_desc forward() const { return forward(f32); }
  dnnl::convolution_backward_data::primitive_desc input_gradient() const {
    return backward<dnnl::convolution_backward_data>(f32, operands);
  }
  dnnl::convolution_backward_weights::primitive_desc weight_gradient() const {
    return backward<dnnl::convolution_backward_weights>(operands, f32);
  }

 private:
  static constexpr auto algorithm = dnnl::algorithm::convolution_direct;

  dnnl::convolution_forward::primitive_desc forward(memory::data_type result) const {
    return describe<dnnl::convolution_forward>(attributes(), dnnl::prop_kind::forward_training, algorithm,
                                               any(x, operands), any(weight, operands), bias, any(y, result), stride,
                                               dilation, left, right);
  }
  template <class Primitive>
  typename Primitive::primitive_desc backward(memory::data_type of_x, memory::data_type of_weight) const {
    return describe_backward<Primitive>(forward(operands), attributes(), algorithm, any(x, of_x),
                                        any(weight, of_weight), any(y, operands), stride, dilation, left, right);
  }

  memory::data_type operands;
  memory::dims x, y, weight;
  memory::desc bias;
  memory::dims stride, dilation, left, right;
};

}  // namespace

ConvOperand::ConvOperand(const memory::desc& outer, const memory::desc& inner, bool result)
    : direct_(outer == inner), outer_(memory_at(outer)), inner_(memory_at(inner)),
      bytes_(direct_ ? 0 : static_cast<int64_t>(inner.get_size())) {
  if (!direct_) reorder_ = result ? dnnl::reorder(inner_, outer_) : dnnl::reorder(outer_, inner_);
}

void ConvOperand::set(const void* outer, Workspace& scratch) {
  set(outer, direct_ ? outer : scratch.get<char>(bytes_));
}

void ConvOperand::set(const void* outer, const void* inner) {
  set_address(outer_, outer);
  set_address(inner_, inner);
}

ConvPrimitive::ConvPrimitive(const ConvPieceKey& key, memory::data_type operands) : pass_(key.pass) {
  const Descriptions descriptions(key, operands);
  if (pass_ == ConvPass::forward) {
    const auto found = descriptions.forward();
    prepare(key, operands, found, found.src_desc(), found.dst_desc(), found.weights_desc());
    primitive_ = BoundPrimitive(dnnl::convolution_forward(found), found.scratchpad_desc());
    primitive_.bind(DNNL_ARG_SRC, x_.inner());
    primitive_.bind(DNNL_ARG_WEIGHTS, weight_.inner());
    primitive_.bind(DNNL_ARG_DST, y_.inner());
  } else if (pass_ == ConvPass::input_gradient) {
    const auto found = descriptions.input_gradient();
    prepare(key, operands, found, found.diff_src_desc(), found.diff_dst_desc(), found.weights_desc());
    primitive_ = BoundPrimitive(dnnl::convolution_backward_data(found), found.scratchpad_desc());
    primitive_.bind(DNNL_ARG_DIFF_SRC, x_.inner());
    primitive_.bind(DNNL_ARG_WEIGHTS, weight_.inner());
    primitive_.bind(DNNL_ARG_DIFF_DST, y_.inner());
  } else {
    const auto found = descriptions.weight_gradient();
    prepare(key, operands, found, found.src_desc(), found.diff_dst_desc(), found.diff_weights_desc());
    primitive_ = BoundPrimitive(dnnl::convolution_backward_weights(found), found.scratchpad_desc());
    primitive_.bind(DNNL_ARG_SRC, x_.inner());
    primitive_.bind(DNNL_ARG_DIFF_WEIGHTS, weight_.inner());
    primitive_.bind(DNNL_ARG_DIFF_DST, y_.inner());
  }
  if (key.bias) bias_ = primitive_.bind(DNNL_ARG_BIAS, bias_layout(key));
}

template <class Description>
void ConvPrimitive::prepare(const ConvPieceKey& key, memory::data_type operands, const Description& found,
                            const memory::desc& x, const memory::desc& y, const memory::desc& weight) {
  slow_ = std::strstr(found.impl_info_str(), "ref") != nullptr;
  const auto operand = [&](ConvPass written_by, const memory::dims& dims, size_t axis, int64_t stride,
                           const memory::desc& inner) {
    const bool result = pass_ == written_by;
    return ConvOperand(plain(dims, result ? f32 : operands, axis, stride), inner, result);
  };
  x_ = operand(ConvPass::input_gradient, x_dims(key.g), 0, key.in_stride, x);
  y_ = operand(ConvPass::forward, y_dims(key.g), 0, key.out_stride, y);
  weight_ =
      operand(ConvPass::weight_gradient, weight_dims(key.g), key.g.groups == 1 ? 0 : 1, key.weight_stride, weight);
}

void ConvPrimitive::reorder_weight(const void* weight, void* reordered) {
  weight_.set(weight, reordered);
  weight_.reorder_in();
}

void ConvPrimitive::run(const void* x, const void* y, const void* weight, const float* bias) {
  static thread_local Workspace scratch_x, scratch_y, scratch_weight;
  x_.set(x, scratch_x);
  y_.set(y, scratch_y);
  if (pass_ == ConvPass::weight_gradient) weight_.set(weight, scratch_weight);
  else weight_.set(nullptr, weight);
  if (bias) set_address(bias_, bias);
  if (pass_ != ConvPass::input_gradient) x_.reorder_in();
  if (pass_ != ConvPass::forward) y_.reorder_in();
  primitive_.run();
  if (pass_ == ConvPass::forward) y_.reorder_out();
  if (pass_ == ConvPass::input_gradient) x_.reorder_out();
  if (pass_ == ConvPass::weight_gradient) weight_.reorder_out();
}

}  // namespace ditharos::kernels::onednn
