#pragma once

/// The gradient of the sum of x^3 at 1, 2, ..., n by reverse mode, summed: 3 times the sum of i^2.
double first(int n);
