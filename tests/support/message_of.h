#pragma once
#include <string>

namespace ditharos::tests {

/// Runs f and returns the message of the E that it throws; "" when it throws none.
template <class E, class F>
std::string message_of(const F& f) {
  try {
    f();
  } catch (const E& error) {
    return error.what();
  }
  return "";
}

}  // namespace ditharos::tests
