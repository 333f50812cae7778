// The one place where doctest's implementation and main are compiled; every other file in tests/ is quick to build.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
