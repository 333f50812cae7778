#include "tests/op_table/op_table.h"

#include <algorithm>

#include "tests/op_table/extremes/op_extremes.h"
#include "tests/op_table/rows/op_table_layers.h"
#include "tests/op_table/rows/op_table_special.h"

namespace ditharos::tests {

const Rows& op_table() {
  static const Rows rows = [] {
    Rows all;
    for (const auto& family : {arithmetic_rows,   function_rows,    activation_rows, logic_rows,
                               reduction_rows,    statistics_rows,  shape_rows,      rearrange_rows,
                               index_rows,        product_rows,     einsum_rows,     conv_rows,
                               image_rows,        loss_rows,        attention_rows,  transformer_rows,
                               elementwise_rows,  comparison_rows,  layout_rows,     indexing_rows,
                               sorting_rows,      scan_rows,        composed_rows,   linalg_rows,
                               further_loss_rows, margin_loss_rows, ctc_loss_rows,   attention_option_rows,
                               pooling_rows,      resizing_rows,    special_rows,    scatter_reduce_rows,
                               layer_rows}) {
      Rows some = family();
      std::move(some.begin(), some.end(), std::back_inserter(all));
    }
    for (const auto& family :
         {add_function_extremes, add_arithmetic_extremes, add_reduction_extremes, add_loss_extremes, add_norm_extremes,
          add_product_extremes, add_elementwise_extremes, add_sorting_extremes, add_further_loss_extremes,
          add_window_extremes, add_special_extremes, add_layer_extremes, add_plain_reasons})
      family(all);
    return all;
  }();
  return rows;
}

namespace {
thread_local MadeOperands* made_operands = nullptr;
}

MadeOperands::MadeOperands() { made_operands = this; }
MadeOperands::~MadeOperands() { made_operands = nullptr; }

Tensor operand(const Tensor& made) {
  if (made_operands) made_operands->tensors.push_back(made);
  return made;
}

std::vector<std::string> names_without_row(const std::vector<std::string>& recorded) {
  std::vector<std::string> missing;
  for (const std::string& name : recorded) {
    const bool has_row =
        std::any_of(op_table().begin(), op_table().end(), [&](const Row& r) { return r.record == name; });
    if (!has_row) missing.push_back(name);
  }
  return missing;
}

bool belongs_to_a_test(const std::string& name) { return name.rfind("test.", 0) == 0; }

std::string not_floating(const std::string& op) {
  return "[" + op + "] computes in f32 or f64, got i64; convert with to(x, DType::f32)";
}

}  // namespace ditharos::tests
