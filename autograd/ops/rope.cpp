// Rotary position embedding.
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/attention/rope.h>

namespace ditharos {

Tensor rope(const Tensor& qkv, const Tensor& cosines, const Tensor& sines, int64_t heads) {
  check<AutogradError>(!needs_grad(cosines) && !needs_grad(sines),
                       "[rope] the tables of angles are constants: no gradient can reach them");
  // The rotation R is linear and orthogonal: dx = R^T g, the rotation by the opposite angles.
  return record("rope", kernels::rope(qkv, cosines, sines, heads), {qkv, cosines, sines},
                save_input(1) | save_input(2), each([heads](const Backward& d) -> Tensor {
                  const Tensor cosine = d.input(1), opposite = -d.input(2);
                  if (const Tensor own = d.own_grad(); own.defined())
                    return kernels::rope(own, cosine, opposite, heads, own);
                  return rope(d.grad(), cosine, opposite, heads);
                }),
                each_tangent([&](const Tensor& dqkv) { return rope(dqkv, cosines, sines, heads); }));
}

}  // namespace ditharos
