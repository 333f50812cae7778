// How autograd works, from x * x to a transformer block, in steps. docs/autograd.md explains what each one prints.
//
//   autograd_tour       all steps
//   autograd_tour 6     one of them
#include <cstdio>
#include <exception>
#include <string>

#include "examples/tour/tour.h"

using namespace ditharos;

namespace {

struct Step {
  const char* name;
  void (*run)();
};

constexpr Step steps[] = {
    {"one_variable", tour::one_variable},
    {"the_graph", tour::the_graph},
    {"engine_by_hand", tour::engine_by_hand},
    {"jacobian_rows", tour::jacobian_rows},
    {"why_reverse", tour::why_reverse},
    {"newest_first", tour::newest_first},
    {"accumulation", tour::accumulation},
    {"broadcasting", tour::broadcasting},
    {"saved_tensors", tour::saved_tensors},
    {"freed_graphs", tour::freed_graphs},
    {"graph_breaks", tour::graph_breaks},
    {"second_order", tour::second_order},
    {"fused_and_twin", tour::fused_and_twin},
    {"rematerialization", tour::rematerialization},
    {"in_place", tour::in_place},
    {"own_op", tour::own_op},
    {"wrong_rule", tour::wrong_rule},
    {"linear_layer", tour::linear_layer},
    {"small_network", tour::small_network},
    {"attention_step", tour::attention_step},
    {"ada_ln", tour::ada_ln},
    {"dit_block", tour::dit_block},
    {"forward_mode", tour::forward_mode},
};
constexpr int count = sizeof steps / sizeof *steps;

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::string only = argc > 1 ? argv[1] : "";
    bool known = only.empty();
    for (int i = 0; i < count; ++i) {
      if (!only.empty() && only != std::to_string(i + 1)) continue;
      std::printf("%s%d. %s\n", known && i > 0 ? "\n" : "", i + 1, steps[i].name);
      steps[i].run();
      known = true;
    }
    if (known) return 0;
    std::fprintf(stderr, "usage: autograd_tour [step], a step from 1 to %d\n", count);
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
}
