#include <ditharos/tensor/kernels/onednn/matmul.h>

#include <cstring>

namespace ditharos::kernels::onednn {

dnnl::matmul::primitive_desc describe_matmul(const MatmulLayouts& layouts, const dnnl::primitive_attr& attributes) {
  return describe<dnnl::matmul>(attributes, layouts.a, layouts.b, layouts.bias, layouts.c);
}

Matmul::Matmul(const MatmulLayouts& layouts, const dnnl::primitive_attr& attributes)
    : Matmul(layouts, describe_matmul(layouts, attributes)) {}

Matmul::Matmul(const MatmulLayouts& layouts, const dnnl::matmul::primitive_desc& description)
    : reference_(std::strstr(description.impl_info_str(), "ref") != nullptr),
      primitive_(dnnl::matmul(description), description.scratchpad_desc()),
      a_(primitive_.bind(DNNL_ARG_SRC, layouts.a)), b_(primitive_.bind(DNNL_ARG_WEIGHTS, layouts.b)),
      c_(primitive_.bind(DNNL_ARG_DST, layouts.c)) {
  if (!layouts.bias.is_zero()) bias_ = primitive_.bind(DNNL_ARG_BIAS, layouts.bias);
}

void Matmul::run(const void* a, const void* b, const void* bias, void* c) {
  set_address(a_, a);
  set_address(b_, b);
  set_address(c_, c);
  if (bias_) set_address(bias_, bias);
  primitive_.run();
}

}  // namespace ditharos::kernels::onednn
