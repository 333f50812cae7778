// Every name of PyTorch that docs/pytorch.md has is tried somewhere: tests/pytorch/names.txt says where. The list, the
// page, the golden files and the test cases have to agree.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <ditharos/tensor/io/safetensors.h>
#include <ditharos/tensor/kernels/linalg/linalg.h>
#include "tests/op_table/golden/op_golden_table.h"
#include "tests/support/paths.h"

namespace ditharos::test_pytorch_names {

using namespace ditharos::tests;

namespace {

using Words = std::vector<std::string>;

struct Name {
  std::string text;
  Words places;  // "op exp", "case tests/... \"...\"", "missing"

  bool missing() const { return places == Words{"missing"}; }
};
/// A row of a table of docs/pytorch.md: the code in its cells.
struct DocRow {
  Words left, right;  // pieces of code
  std::string note;   // the right cell
};

std::string contents_of(const std::string& path) {
  std::ifstream file(source_folder() + "/" + path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

Words split_at(const std::string& text, const std::string& separator) {
  Words parts;
  size_t begin = 0;
  for (size_t end; (end = text.find(separator, begin)) != std::string::npos; begin = end + separator.size())
    parts.push_back(text.substr(begin, end - begin));
  parts.push_back(text.substr(begin));
  return parts;
}

std::vector<Name> names_in(const std::string& text) {
  std::vector<Name> names;
  for (const std::string& line : split_at(text, "\n")) {
    if (line.empty() || line[0] == '#') continue;
    const size_t colon = line.find(" : ");
    REQUIRE_MESSAGE(colon != std::string::npos, "names.txt: no \" : \" in: " << line);
    names.push_back({line.substr(0, colon), split_at(line.substr(colon + 3), "; ")});
  }
  return names;
}

/// The pieces of code of a cell, in which "\|" stands for "|".
Words code_in(const std::string& cell) {
  Words pieces, parts = split_at(cell, "`");
  for (size_t i = 1; i + 1 < parts.size(); i += 2) {
    std::string piece;
    for (const std::string& part : split_at(parts[i], "\\|")) piece += (piece.empty() ? "" : "|") + part;
    pieces.push_back(piece);
  }
  return pieces;
}

/// The rows of the page's tables; each line of its list "What surprises" is a row too.
std::vector<DocRow> rows_of(const std::string& page) {
  std::vector<DocRow> rows;
  for (const std::string& line : split_at(page, "\n")) {
    if (!line.starts_with("| ")) continue;
    Words cells;
    std::string cell;
    for (size_t i = 2; i < line.size(); ++i) {
      if (line[i] == '|' && line[i - 1] != '\\') cells.push_back(std::exchange(cell, ""));
      else cell += line[i];
    }
    REQUIRE_MESSAGE(cells.size() == 2, "docs/pytorch.md: not two cells in: " << line);
    if (const Words left = code_in(cells[0]); !left.empty()) rows.push_back({left, code_in(cells[1]), cells[1]});
  }
  return rows;
}

bool in_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '*' || c == '.'; }
std::string last_component(const std::string& word) { return word.substr(word.rfind('.') + 1); }

/// The names in a piece of code, without what stands in front of a dot: of "torch.save(m.state_dict(), f)", "save"; all
/// of them, also in parentheses, on request.
Words words_in(const std::string& code, bool nested = false) {
  Words words;
  std::string word;
  int depth = 0;
  char quote = 0;
  for (const char c : code + " ") {
    if (!nested && quote != 0) {
      if (c == quote) quote = 0;
      continue;
    }
    if (in_word(c) && (nested || depth == 0)) {
      word += c;
      continue;
    }
    while (word.ends_with(".")) word.pop_back();
    if (const std::string last = last_component(word); !last.empty()) words.push_back(last);
    word.clear();
    if (c == '"' || c == '\'') quote = c;
    if (c == '(' || c == '[' || c == '{') ++depth;
    if (c == ')' || c == ']' || c == '}') --depth;
  }
  return words;
}

/// Variables of the page and Python's own words.
bool is_variable(const std::string& word) {
  static const std::set<std::string> others = {"seq", "None", "*"};
  return word.size() == 1 || others.count(word) == 1 || std::isdigit(static_cast<unsigned char>(word[0])) != 0;
}

/// "xavier_*" stands for every name that begins so, "*_like" for every one that ends so.
bool stands_for(const std::string& word, const std::string& name) {
  if (word.size() > 1 && word.ends_with("*")) return name.starts_with(word.substr(0, word.size() - 1));
  return word.size() > 1 && word.starts_with("*") ? name.ends_with(word.substr(1)) : word == name;
}

/// The first row that has the name: as a piece of code, or its first word on the left and the others anywhere.
const DocRow* row_of(const std::string& name, const std::vector<DocRow>& rows) {
  const auto has = [](const Words& pieces, const std::string& word, bool nested) {
    return std::any_of(pieces.begin(), pieces.end(), [&](const std::string& piece) {
      const Words words = words_in(piece, nested);
      return std::any_of(words.begin(), words.end(), [&](const std::string& w) { return stands_for(w, word); });
    });
  };
  for (const DocRow& row : rows)
    if (std::count(row.left.begin(), row.left.end(), name) > 0) return &row;
  const Words words = split_at(name, " ");
  for (const DocRow& row : rows) {
    bool found = has(row.left, last_component(words[0]), false);
    for (size_t i = 1; found && i < words.size(); ++i)
      found = has(row.left, words[i], true) || has(row.right, words[i], true);
    if (found) return &row;
  }
  return nullptr;
}

/// What the names and the page say of each other that is not so.
Words problems_of_page(const std::vector<Name>& names, const std::string& page) {
  const std::vector<DocRow> rows = rows_of(page);
  Words problems;
  for (const Name& name : names) {
    const DocRow* row = row_of(name.text, rows);
    if (!row) {
      problems.push_back(name.text + " is not on docs/pytorch.md");
    } else if (name.missing() && (row->note.find("missing") == std::string::npos || row->right.empty())) {
      problems.push_back(name.text + " is missing: docs/pytorch.md does not say so, or not in code what to write");
    } else if (!name.missing() && row->note.starts_with(" missing")) {
      problems.push_back(name.text + " is tried, and docs/pytorch.md says that it is missing");
    }
  }
  const auto listed = [&](const std::string& word) {
    return std::any_of(names.begin(), names.end(),
                       [&](const Name& name) { return stands_for(word, last_component(split_at(name.text, " ")[0])); });
  };
  for (const DocRow& row : rows)
    for (const std::string& code : row.left) {
      if (std::any_of(names.begin(), names.end(), [&](const Name& name) { return name.text == code; })) continue;
      for (const std::string& word : words_in(code))
        if (!is_variable(word) && !listed(word))
          problems.push_back(word + " in `" + code + "` of docs/pytorch.md is not in names.txt");
    }
  return problems;
}

/// The sources of tests in a folder, one text.
std::string sources_in(const std::string& folder) {
  std::string all;
  for (const auto& file : std::filesystem::directory_iterator(source_folder() + "/" + folder))
    if (file.path().extension() == ".cpp") all += contents_of(folder + "/" + file.path().filename().string());
  return all;
}

/// Names of tensors in a golden file, and the source of the tests that read it.
struct GoldenCalls {
  std::set<std::string> tensors;
  std::string source;

  /// A tensor of that name, or tensors whose names begin with it and a dot.
  bool holds(const std::string& entry) const {
    const auto found = tensors.lower_bound(entry + ".");
    return tensors.count(entry) == 1 || (found != tensors.end() && found->starts_with(entry + "."));
  }
  bool calls(const std::string& entry) const { return source.find('"' + entry + '"') != std::string::npos; }
};

std::set<std::string> tensors_in(const std::string& file) {
  std::set<std::string> names;
  for (const auto& [name, tensor] : safetensors::load(golden_folder() + "/" + file).tensors) names.insert(name);
  return names;
}

/// The lines in front of the numbers: "sgd.0.a f32 4 5".
std::set<std::string> tensors_in_text(const std::string& file) {
  std::set<std::string> names;
  for (const std::string& line : split_at(contents_of("tests/golden/" + file), "\n"))
    if (const size_t end = line.find(" f"); end != std::string::npos) names.insert(line.substr(0, end));
  return names;
}

class Places {
 public:
  /// What is wrong with a place, or nothing.
  std::optional<std::string> problem_of(const std::string& place) {
    const size_t space = place.find(' ');
    const std::string kind = place.substr(0, space);
    const std::string what = space == std::string::npos ? "" : place.substr(space + 1);
    if (kind == "missing") return what.empty() ? std::optional<std::string>{} : "missing has no place";
    if (kind == "op") return of_operation(what);
    static const std::set<std::string> of_modules = {"modules", "sequences", "windows", "losses"};
    if (of_modules.count(kind) == 1) return of_module(kind + ".safetensors", what);
    if (kind == "optim") return of_optimizer(what);
    if (kind == "case") return of_case(what);
    return "\"" + kind + "\" is no kind of place";
  }

 private:
  std::optional<std::string> of_operation(const std::string& entry) {
    if (operations_.empty()) operations_ = tensors_in("op.safetensors");
    if (!operations_.contains(entry + "/out")) return "op.safetensors has no entry " + entry;
    const bool needs_lapack = entry.starts_with("linalg.") && !kernels::has_lapack();
    if (!golden_operations().contains(entry) && !needs_lapack) return "no call for the entry " + entry;
    return {};
  }

  std::optional<std::string> of_module(const std::string& file, const std::string& entry) {
    GoldenCalls& golden = modules_[file];
    if (golden.tensors.empty()) golden = {tensors_in(file), sources_in("tests/nn")};
    if (!golden.holds(entry)) return file + " has no entry " + entry;
    return golden.calls(entry) ? std::optional<std::string>{} : "no test in tests/nn calls the entry " + entry;
  }

  /// "schedule.step", "lbfgs.wolfe": a test names the last part.
  std::optional<std::string> of_optimizer(const std::string& entry) {
    if (optimizers_.tensors.empty()) optimizers_ = {tensors_in_text("optim.golden"), sources_in("tests/optim")};
    if (!optimizers_.holds(entry)) return "optim.golden has no entry " + entry;
    const std::string part = last_component(entry);
    const bool called = optimizers_.calls(part) || optimizers_.source.find('"' + part + '.') != std::string::npos;
    return called ? std::optional<std::string>{} : "no test in tests/optim calls the entry " + entry;
  }

  std::optional<std::string> of_case(const std::string& what) {
    const size_t quote = what.find(" \"");
    if (quote == std::string::npos) return "no file and name in: " + what;
    const std::string file = what.substr(0, quote), name = what.substr(quote + 1);
    auto& source = sources_[file];
    if (source.empty()) source = contents_of(file);
    if (source.find("TEST_CASE(" + name) == std::string::npos) return file + " has no test case " + name;
    return {};
  }

  std::set<std::string> operations_;
  std::map<std::string, GoldenCalls> modules_;
  GoldenCalls optimizers_;
  std::map<std::string, std::string> sources_;
};

}  // namespace

TEST_CASE("pytorch names: each is tried where the list says") {
  Places places;
  std::set<std::string> seen;
  int64_t tried = 0, missing = 0;
  for (const Name& name : names_in(contents_of("tests/pytorch/names.txt"))) {
    CHECK_MESSAGE(seen.insert(name.text).second, name.text << " is there twice");
    missing += name.missing();
    for (const std::string& place : name.places) {
      const auto problem = places.problem_of(place);
      tried += place != "missing";
      CHECK_MESSAGE(!problem, name.text << ": " << problem.value_or(""));
    }
  }
  CHECK(seen.size() > 450);
  std::printf("pytorch names: %zu, tried at %lld places; %lld missing\n", seen.size(), static_cast<long long>(tried),
              static_cast<long long>(missing));
}

TEST_CASE("pytorch names: the list and docs/pytorch.md agree") {
  const std::string page = contents_of("docs/pytorch.md");
  for (const std::string& problem : problems_of_page(names_in(contents_of("tests/pytorch/names.txt")), page))
    FAIL_CHECK(problem);
}

TEST_CASE("pytorch names: what is not there is found") {
  Places places;
  const auto says = [&](const std::string& place) { return places.problem_of(place).value_or("nothing"); };
  CHECK(says("op exp") == "nothing");
  CHECK(says("op expp") == "op.safetensors has no entry expp");
  CHECK(says("modules relu") == "nothing");
  CHECK(says("modules rel") == "modules.safetensors has no entry rel");
  CHECK(says("windows max_pool") == "windows.safetensors has no entry max_pool");
  CHECK(says("losses bc") == "losses.safetensors has no entry bc");
  CHECK(says("sequences lstm_") == "sequences.safetensors has no entry lstm_");
  CHECK(says("optim schedule.step") == "nothing");
  CHECK(says("optim adamx") == "optim.golden has no entry adamx");
  CHECK(says("case tests/pytorch/test_pytorch_names.cpp \"pytorch names: what is not there is found\"") == "nothing");
  CHECK(says("case tests/pytorch/none.cpp \"a\"") == "tests/pytorch/none.cpp has no test case \"a\"");
  CHECK(says("somewhere else") == "\"somewhere\" is no kind of place");

  const std::string page =
      "| `exp log * xavier_*` | the same |\n| `F.fft`, `x[i]` | missing: `matmul` |\n| `a.eig(full=True)` | missing "
      "|\n";
  const auto problems = [&](const std::string& names) { return problems_of_page(names_in(names), page); };
  const std::string some = "exp : op exp\nlog : op log\nxavier_normal_ : op exp\nfft : missing\nx[i] : missing\n";
  const std::string unsaid = " is missing: docs/pytorch.md does not say so, or not in code what to write";
  CHECK(problems(some) == Words{"eig in `a.eig(full=True)` of docs/pytorch.md is not in names.txt"});
  CHECK(problems(some + "linalg.eig : op exp\n") ==
        Words{"linalg.eig is tried, and docs/pytorch.md says that it is missing"});
  CHECK(problems(some + "eig : missing\n") == Words{"eig" + unsaid});
  CHECK(problems(some + "eig full : missing\n") == Words{"eig full" + unsaid});
  CHECK(problems(some + "eig : missing\nsin : op sin\n") == Words{"eig" + unsaid, "sin is not on docs/pytorch.md"});
  CHECK(problems(some + "eig : missing\nlog base : missing\n") ==
        Words{"eig" + unsaid, "log base is not on docs/pytorch.md"});
  CHECK(problems(some + "eig : missing\nlog * : missing\n") == Words{"eig" + unsaid, "log *" + unsaid});
}

}  // namespace ditharos::test_pytorch_names
