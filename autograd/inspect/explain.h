#pragma once
// Whether and how a gradient flows through a recorded graph.
//
//   loss = mse_loss(net(x), y);
//   std::puts(explain_grad(loss, net.fc.weight).c_str());   // the path, or where it was cut and why
#include <string>

#include <ditharos/tensor/tensor.h>

namespace ditharos {

/// Whether a gradient of `loss` flows to x, a leaf or an intermediate result, in words: the shortest path, operation by
/// operation, or the places where every way was cut and why (detach, NoGrad, an operation without derivative), or that
/// the loss does not use x. Also tells of ways that were cut beside one that was not, as a stop-gradient does.
///
/// What was cut is known from marks on the tensors concerned. They do not keep a graph alive: when the part of it in
/// which x was used is gone, the text says so. Elements that were read (data, item, to_vector) and put into a new
/// tensor leave no mark. AutogradError when a tensor is undefined.
[[nodiscard]] std::string explain_grad(const Tensor& loss, const Tensor& x);

}  // namespace ditharos
