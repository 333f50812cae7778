#pragma once
// Everything that a program built on ditharos needs, in one include.
#include <ditharos/tensor/tensor.h>
