// Losses. They refuse shapes that differ: a silent broadcast of [N] against [N, 1] trains the wrong thing.
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/softmax.h>

namespace ditharos {
namespace {

void check_same_shape(const char* op, const Tensor& prediction, const Tensor& target) {
  check<ShapeError>(prediction.shape() == target.shape(), "[", op, "] the prediction has shape ", prediction.shape(),
                    ", the target ", target.shape(), "; they must be equal");
}

/// -log softmax(logits)[label] for every row, [N].
Tensor cross_entropy_rows(const Tensor& logits, const Tensor& labels) {
  // dlogits = g (softmax(logits) - onehot(label))
  return record("cross_entropy", kernels::cross_entropy(logits, labels), {logits, labels}, save_inputs,
                fused(each([](const Backward& d) {
                        return kernels::cross_entropy_backward(d.grad(), d.input(0), d.input(1));
                      }),
                      [](const std::vector<Tensor>& in) {
                        return -squeeze(gather(log_softmax(in[0], -1), -1, unsqueeze(in[1], 1)), 1);
                      }));
}

}  // namespace

Tensor cross_entropy(const Tensor& logits, const Tensor& labels) {
  check<ShapeError>(logits.rank() == 2 && labels.rank() == 1 && logits.size(0) == labels.size(0),
                    "[cross_entropy] needs logits [N, C] and labels [N], got ", logits.shape(), " and ",
                    labels.shape());
  return mean(cross_entropy_rows(logits, labels));
}

Tensor mse_loss(const Tensor& prediction, const Tensor& target) {
  check_same_shape("mse_loss", prediction, target);
  return mean(square(prediction - target));
}

Tensor l1_loss(const Tensor& prediction, const Tensor& target) {
  check_same_shape("l1_loss", prediction, target);
  return mean(abs(prediction - target));
}

}  // namespace ditharos
