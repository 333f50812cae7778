#pragma once
// The backward pass as an HTML page with a view of each step.
#include <string>

#include <ditharos/autograd/inspect/inspect.h>

namespace ditharos {

/// Writes one HTML file that draws the graph behind `loss` and shows the backward pass node by node; the reader can
/// step in both directions. It shows the formula, the incoming gradient, the gradients of the inputs, the saved tensors
/// and the tensors that are released. It refers to no other file and needs no network. Tensors of up to 64 elements are
/// shown with their values, larger ones with their norm and largest magnitude.
///
/// It runs the backward pass, hooks included, to obtain the gradients, but changes no grad() and does not free the
/// graph. A loss of more than one element is weighted with ones. AutogradError when there is no graph, when it was
/// freed, or when it has more than 4000 nodes, which is too many to read; IoError when the file cannot be written.
void to_html(const Tensor& loss, const std::string& file, const TensorNames& names = {});

/// The page as text.
[[nodiscard]] std::string html_page(const Tensor& loss, const TensorNames& names = {});

}  // namespace ditharos
