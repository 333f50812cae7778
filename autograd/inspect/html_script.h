#pragma once
// Internal to autograd/inspect/.
// The program in the page that to_html writes.

namespace ditharos {

/// JavaScript that draws the graph and steps through the pass.
extern const char* const page_script;

}  // namespace ditharos
