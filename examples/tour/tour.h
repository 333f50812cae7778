#pragma once
// The steps of the tour. Each prints what docs/autograd.md quotes and explains under the same number.

namespace ditharos::tour {

// derivatives.cpp
void one_variable();
void the_graph();
void engine_by_hand();
void jacobian_rows();
void why_reverse();
void newest_first();
void accumulation();
void broadcasting();

// lifetime.cpp
void saved_tensors();
void freed_graphs();
void graph_breaks();
void second_order();
void fused_and_twin();
void rematerialization();
void in_place();

// own_op.cpp
void own_op();
void wrong_rule();

// networks.cpp
void linear_layer();
void small_network();
void attention_step();
void ada_ln();
void dit_block();

// forward_mode.cpp
void forward_mode();

}  // namespace ditharos::tour
