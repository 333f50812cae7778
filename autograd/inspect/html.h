#pragma once
// The backward pass as a page to step through in a browser.
#include <string>

#include <ditharos/autograd/inspect/inspect.h>

namespace ditharos {

/// Writes one HTML file that draws the graph behind `loss` and shows the backward pass node by node, forwards and
/// backwards: the formula, the gradient that comes in, those that go out, what was saved and what is freed. It needs no
/// network and no other file. Tensors of up to 64 elements are shown with their values, larger ones with their norm and
/// largest magnitude.
///
/// To have the gradients it runs the backward pass (hooks included) without touching any grad() and without freeing the
/// graph. A loss of more than one element is weighted with ones. AutogradError when there is no graph, when it was
/// freed, or when it has more than 4000 nodes, which nobody could read; IoError when the file cannot be written.
void to_html(const Tensor& loss, const std::string& file, const TensorNames& names = {});

/// The page as text.
[[nodiscard]] std::string html_page(const Tensor& loss, const TensorNames& names = {});

}  // namespace ditharos
