#pragma once
// Whether and how a gradient flows through a recorded graph.
//
//   loss = mse_loss(net(x), y);
//   std::puts(explain_grad(loss, net.fc.weight).c_str());   // the path, or the graph breaks and their reasons
#include <string>

#include <ditharos/tensor/tensor.h>

namespace ditharos {

/// Says as text whether a gradient of `loss` flows to x, which may be a leaf or an intermediate result. The text gives
/// the shortest path, operation by operation. Without a path, it gives the graph breaks and their reasons (detach,
/// NoGrad, an operation without derivative), or says that the loss does not use x. It also lists paths with a graph
/// break beside one without, as a stop-gradient makes them.
///
/// Graph breaks are known from marks on tensors. The marks keep no graph alive: if the part of the graph that used x is
/// gone, the text says so. Elements that were read (data, item, to_vector) and put into a new tensor leave no mark.
/// AutogradError when a tensor is undefined.
[[nodiscard]] std::string explain_grad(const Tensor& loss, const Tensor& x);

}  // namespace ditharos
