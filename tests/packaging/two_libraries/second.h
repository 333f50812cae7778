#pragma once

/// The same number as first(n), by forward mode.
double second(int n);
/// Whether an error of the library is caught by its type on this side.
bool catches();
