#pragma once
// A trace as one page for a browser: point at a number to see the sum that it is the result of.
#include <string>

#include "examples/by_hand/trace.h"

namespace ditharos::by_hand {

/// One HTML file that needs no network and no other file: the matrices of every step, with arrows between those of one
/// step and the next. Longer arrows are shown only for the selected number. Pointing at a number, tapping it or moving
/// to it with the arrow keys shows its sum, in the words of Trace::explain, and marks the numbers that it depends on.
/// The page's address ends with the selected number (#m12-1-2: matrix 12, row 1, column 2) and opens there again.
/// `title` is the page's heading. ConfigError when the trace has too many sums for a readable page.
std::string page(const Trace& trace, const std::string& title);
/// Writes it, whole or not at all.
void write_page(const std::string& path, const Trace& trace, const std::string& title);

/// The page's fixed parts: text before and after the title, and after the data.
extern const char* const page_head;
extern const char* const page_body;
extern const char* const page_script;

}  // namespace ditharos::by_hand
