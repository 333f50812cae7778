// Rows of the op table: einsum and the outer product.
#include <map>

#include <ditharos/autograd/ops.h>
#include "tests/op_table/op_table.h"

namespace ditharos::tests {
namespace {

/// The definition, without ellipses: for every value of every name, the product of the operands is added to the result.
Array summed_products(const std::string& equation, const Arrays& operands) {
  std::vector<std::string> terms(1);
  for (char c : equation) {
    if (c == ',' || c == '>') terms.emplace_back();
    else if (c != '-') terms.back() += c;
  }
  const std::string output = terms.back();
  terms.pop_back();
  std::string names;
  Shape sizes, shape;
  for (size_t k = 0; k < terms.size(); ++k)
    for (size_t axis = 0; axis < terms[k].size(); ++axis)
      if (names.find(terms[k][axis]) == std::string::npos) {
        names += terms[k][axis];
        sizes.push_back(operands[k].shape[int(axis)]);
      }
  const auto place = [&](const std::string& term, const Index& values, const Shape* limits) {
    Index i;
    for (char name : term) i.push_back(values[int(names.find(name))]);
    for (int axis = 0; limits && axis < i.rank(); ++axis)
      if ((*limits)[axis] == 1) i[axis] = 0;
    return i;
  };
  for (char name : output) shape.push_back(sizes[int(names.find(name))]);
  Array out(shape);
  each_index(sizes, [&](const Index& values) {
    double product = 1;
    for (size_t k = 0; k < terms.size(); ++k) product *= operands[k].at(place(terms[k], values, &operands[k].shape));
    out.at(place(output, values, nullptr)) += product;
  });
  return out;
}

Row einsum_row(const std::string& equation, std::vector<Case> cases, std::string plain = {}) {
  Row row;
  row.name = "einsum";
  if (plain.empty()) plain = equation;
  row.op = [equation](const Tensors& in) { return einsum(equation, in); };
  row.reference = [plain](const Arrays& in) { return summed_products(plain, in); };
  row.inputs.assign(cases[0].size(), uniform(-1, 1));
  row.cases = std::move(cases);
  row.misuse = [] { einsum("ij,jk->ik", {zeros({2, 3}), zeros({4, 5})}); };
  row.message = "[einsum] \"ij,jk->ik\": \"j\" has size 4 in operand 1 of shape [4, 5], but 3 before";
  return row;
}

Row outer_product() {
  Row row = einsum_row("i,j->ij", {{{3}, {4}}, {{1}, {1}}, {{0}, {3}}, {{67}, {5}}});
  row.name = "outer";
  row.record = "mul";
  row.op = [](const Tensors& in) { return outer(in[0], in[1]); };
  row.takes = Takes::numbers;
  row.misuse = [] { outer(zeros({2, 3}), zeros({4})); };
  row.message = "[outer] needs two vectors, got shapes [2, 3] and [4]";
  return row;
}

}  // namespace

Rows einsum_rows() {
  Rows rows = {
      einsum_row("ij,jk->ik", {{{2, 3}, {3, 4}}, {{1, 1}, {1, 1}}, {{0, 3}, {3, 2}}, {{17, 33}, {33, 5}}}),
      einsum_row("bhid,bhjd->bhij", {{{2, 2, 3, 4}, {2, 2, 5, 4}}}),
      einsum_row("ij->ji", {{{2, 3}}, {{1, 1}}, {{0, 2}}}),
      einsum_row("ij->", {{{2, 3}}}),
      einsum_row("ijj->ij", {{{2, 3, 3}}}),
      einsum_row("iijj->", {{{2, 2, 3, 3}}}),
      einsum_row("i,i->i", {{{5}, {5}}}),
      einsum_row("i,j->ij", {{{5}, {3}}}),
      einsum_row("ab,bc,cd->ad", {{{2, 3}, {3, 4}, {4, 2}}}),
      einsum_row("ai,bi,ci->abc", {{{2, 3}, {4, 3}, {2, 3}}}),
      einsum_row("i,ij,j->", {{{3}, {3, 4}, {4}}}),
      einsum_row("ijk,k->j", {{{2, 3, 4}, {4}}}),
      einsum_row("ij,k->jk", {{{2, 3}, {2}}}),
      einsum_row("ba,bc", {{{3, 2}, {3, 4}}}, "ba,bc->ac"),
      einsum_row(" ij , jk -> ki ", {{{2, 3}, {3, 4}}}, "ij,jk->ki"),
      einsum_row("...ij,...jk->...ik", {{{2, 3, 2, 3}, {3, 3, 4}}}, "xyij,yjk->xyik"),
      einsum_row("...ij,...jk->...ik", {{{2, 1, 2, 3}, {3, 3, 4}}}, "xyij,zjk->xzik"),
      einsum_row("i...,i...->...", {{{2, 3, 4}, {2, 3, 4}}}, "ixy,ixy->xy"),
      einsum_row("...", {{{2, 3}}}, "xy->xy"),
      einsum_row("i...j->j...i", {{{2, 3, 4}}}, "ixj->jxi"),
  };
  rows.push_back(outer_product());
  return rows;
}

}  // namespace ditharos::tests
