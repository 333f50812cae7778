// Rotary position embedding.
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/attention/rope.h>

namespace ditharos {

Tensor rope(const Tensor& qkv, const Tensor& cosines, const Tensor& sines, int64_t heads, RopePairs pairs) {
  check<AutogradError>(!needs_grad(cosines) && !needs_grad(sines),
                       "[rope] the tables of angles are constants: no gradient can reach them");
  const bool interleaved = pairs == RopePairs::interleaved;
  // The rotation R is linear and orthogonal: dx = R^T g, the rotation by the opposite angles.
  return record("rope", kernels::rope(qkv, cosines, sines, heads, interleaved), {qkv, cosines, sines},
                save_input(1) | save_input(2), each([heads, pairs, interleaved](const Backward& d) -> Tensor {
                  const Tensor cosine = d.input(1), opposite = -d.input(2);
                  if (const Tensor own = d.own_grad(); own.defined())
                    return kernels::rope(own, cosine, opposite, heads, interleaved, own);
                  return rope(d.grad(), cosine, opposite, heads, pairs);
                }));
}

}  // namespace ditharos
