#include <ditharos/autograd/ops/detail/einsum_equation.h>

#include <algorithm>
#include <map>

namespace ditharos {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// The names of n axes of an ellipsis, the leftmost first.
std::string ellipsis_names(int n) {
  std::string names;
  for (int i = n; i >= 1; --i) names += char(i);
  return names;
}

std::vector<std::string> split_at_commas(const std::string& text) {
  std::vector<std::string> parts(1);
  for (char c : text) {
    if (c == ',') parts.emplace_back();
    else parts.back() += c;
  }
  return parts;
}

struct Term {
  std::string letters;
  size_t ellipsis = std::string::npos;  ///< letters before it
  bool has_ellipsis() const { return ellipsis != std::string::npos; }
  std::string expanded(int n) const {
    return has_ellipsis() ? letters.substr(0, ellipsis) + ellipsis_names(n) + letters.substr(ellipsis) : letters;
  }
};

Term parse_term(const std::string& equation, const std::string& text) {
  Term term;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.compare(i, 3, "...") == 0) {
      check<ShapeError>(!term.has_ellipsis(), "[einsum] \"", equation, "\": the term \"", text,
                        "\" has more than one ellipsis");
      term.ellipsis = term.letters.size();
      i += 2;
      continue;
    }
    check<ShapeError>(is_letter(text[i]), "[einsum] \"", equation, "\": '", std::string(1, text[i]),
                      "' is no name of an axis; names are single letters");
    term.letters += text[i];
  }
  return term;
}

/// Without "->": the ellipsis, then the letters that occur once, in alphabetical order.
std::string implied_output(const std::vector<Term>& terms, int ellipsis) {
  std::map<char, int> uses;
  for (const Term& term : terms)
    for (char letter : term.letters) ++uses[letter];
  std::string output = ellipsis_names(ellipsis);
  for (const auto& [letter, count] : uses)
    if (count == 1) output += letter;
  return output;
}

}  // namespace

std::string EinsumEquation::describe(char name) {
  if (of_ellipsis(name)) return "axis -" + std::to_string(int(name)) + " of the ellipsis";
  return '"' + std::string(1, name) + '"';
}

EinsumEquation::EinsumEquation(const std::string& equation, const std::vector<Tensor>& operands) : text(equation) {
  std::string compact = equation;
  compact.erase(std::remove(compact.begin(), compact.end(), ' '), compact.end());
  const size_t arrow = compact.find("->");
  const std::vector<std::string> parts = split_at_commas(compact.substr(0, arrow));
  check<ShapeError>(parts.size() == operands.size(), "[einsum] \"", equation, "\" has ", parts.size(), " terms for ",
                    operands.size(), " operands");
  std::vector<Term> terms;
  int ellipsis = 0;  // axes of the longest one
  for (size_t i = 0; i < parts.size(); ++i) {
    terms.push_back(parse_term(equation, parts[i]));
    const int rank = operands[i].rank(), letters = int(terms[i].letters.size());
    check<ShapeError>(terms[i].has_ellipsis() ? letters <= rank : letters == rank, "[einsum] \"", equation,
                      "\": the term \"", parts[i], "\" names ", letters, " axes, but operand ", i, " has shape ",
                      operands[i].shape());
    ellipsis = std::max(ellipsis, rank - letters);
    inputs.push_back(terms[i].expanded(rank - letters));
  }
  if (arrow == std::string::npos) {
    output = implied_output(terms, ellipsis);
    return;
  }
  const Term result = parse_term(equation, compact.substr(arrow + 2));
  for (size_t i = 0; i < result.letters.size(); ++i) {
    const char letter = result.letters[i];
    const bool known = std::any_of(terms.begin(), terms.end(), [letter](const Term& term) {
      return term.letters.find(letter) != std::string::npos;
    });
    check<ShapeError>(known, "[einsum] \"", equation, "\": no operand has the name ", describe(letter),
                      " of the result");
    check<ShapeError>(result.letters.find(letter, i + 1) == std::string::npos, "[einsum] \"", equation,
                      "\": the result has the name ", describe(letter), " twice");
  }
  check<ShapeError>(result.has_ellipsis() || ellipsis == 0, "[einsum] \"", equation,
                    "\": the operands have an ellipsis, the result has none; write it there or name the axes");
  output = result.expanded(ellipsis);
}

}  // namespace ditharos
