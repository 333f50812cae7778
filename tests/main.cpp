// The one place where doctest's implementation and main are compiled; every other file in tests/ is quick to build.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

#include <ditharos/autograd/node.h>
#include "tests/op_table/op_table.h"

int main(int argc, char** argv) {
  ditharos::collect_op_names(true);
  doctest::Context context(argc, argv);
  int result = context.run();
  // Whatever the tests recorded, in this run, must have a row in the op table.
  for (const std::string& name : ditharos::tests::names_without_row(ditharos::collected_op_names())) {
    if (ditharos::tests::belongs_to_a_test(name)) continue;
    std::fprintf(stderr, "ERROR: the operation \"%s\" was recorded but has no row in the op table\n", name.c_str());
    result = 1;
  }
  return result;
}
