#include "tests/house/layering.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include <ditharos/tensor/error.h>

namespace ditharos::tests {
namespace {

namespace fs = std::filesystem;
using Texts = std::map<std::string, std::string>;  // of source files, by path

const size_t max_lines = 400, max_columns = 120, max_files = 30;

// Which folders a folder may include. Imports run one way only.
using Folders = std::set<std::string>;
const std::map<std::string, Folders> may_include = {
    {"tensor", {"tensor"}},
    {"autograd", {"tensor", "autograd"}},
    {"nn", {"tensor", "autograd", "nn"}},
    {"models", {"tensor", "autograd", "nn", "data", "models"}},
    {"optim", {"tensor", "autograd", "nn", "optim"}},
    {"data", {"tensor", "data"}},
    {"training", {"tensor", "autograd", "nn", "models", "optim", "data", "training"}},
    {"pipelines", {"tensor", "autograd", "nn", "models", "optim", "data", "training", "pipelines"}},
    {"examples", {"tensor", "autograd", "nn", "models", "optim", "data", "training", "pipelines", "examples"}},
    {"tests", {"tensor", "autograd", "nn", "models", "optim", "data", "training", "pipelines", "examples", "tests"}},
};
const std::regex library("^(tensor|autograd|nn|models|optim|data|training|pipelines)/");
const std::string umbrella = "include/ditharos/ditharos.h";

// Tests act as programs that use OpenMP themselves.
const std::regex openmp_files("^tensor/(parallel\\.cpp|kernels/.*)$|^tests/.*$");
const char* const openmp_reason = "OpenMP is used only behind tensor/parallel.h, in tensor/kernels/ and by tests";

// A header (the text between the angle brackets) and the only files that may include it.
struct HeaderRule {
  std::regex header, allowed;
  const char* reason;
};
const std::vector<HeaderRule> header_rules = {
    {std::regex("(oneapi/dnnl/.*|dnnl.*)"), std::regex("^tensor/kernels/onednn/.*"),
     "oneDNN is included only in tensor/kernels/onednn/"},
    {std::regex("mpi\\.h"), std::regex("^training/distributed/mpi_communicator\\.cpp$"),
     "MPI is included only in training/distributed/mpi_communicator.cpp"},
    {std::regex("lapacke\\.h"), std::regex("^tensor/kernels/linalg/lapack\\.h$"),
     "LAPACKE is included only by tensor/kernels/linalg/lapack.h"},
    {std::regex("omp\\.h"), openmp_files, openmp_reason},
    {std::regex("cereal/.*"), std::regex("^(training|tests)/.*\\.cpp$"),
     "cereal is included only by .cpp files of training/"},
    {std::regex("nlohmann/.*"), std::regex(".*\\.cpp$"), "nlohmann_json is included only by .cpp files"},
    {std::regex("protozero/.*"), std::regex("^(training/report|tests)/.*\\.cpp$"),
     "protozero is included only by .cpp files of training/report/"},
    {std::regex("toml\\+\\+/.*"), std::regex("^(pipelines|examples|tests)/.*\\.cpp$"),
     "toml++ is included only by .cpp files of pipelines/ and examples/"},
    {std::regex("CLI/.*"), std::regex("^(examples|tests)/.*\\.cpp$"),
     "CLI11 is included only by .cpp files of examples/"},
    {std::regex("(png|zlib)\\.h"), std::regex("^data/codecs/.*\\.cpp$|^data/codecs/png_calls\\.h$|^tests/.*$"),
     "libpng and zlib are included only by .cpp files of data/codecs/"},
    {std::regex("jpeglib\\.h|jerror\\.h"), std::regex("^data/codecs/.*\\.cpp$|^data/codecs/jpeg_calls\\.h$|^tests/.*$"),
     "libjpeg is included only by .cpp files of data/codecs/"},
    {std::regex("gif_lib\\.h|webp/.*"), std::regex("^(data/codecs|tests)/.*\\.cpp$"),
     "giflib and libwebp are included only by .cpp files of data/codecs/"},
    {std::regex("zip\\.h"), std::regex("^(tensor/io/torch|tests)/.*\\.cpp$"),
     "libzip is included only by .cpp files of tensor/io/torch/"},
    {std::regex("archive(_entry)?\\.h"), std::regex("^(data/datasets/webdataset|tests)/.*\\.cpp$"),
     "libarchive is included only by .cpp files of data/datasets/webdataset/"},
    {std::regex("utf8proc\\.h"), std::regex("^data/text/unicode\\.cpp$"),
     "utf8proc is included only by data/text/unicode.cpp"},
    {std::regex("doctest/.*"), std::regex("^tests/.*$"), "doctest belongs to tests/"},
    {std::regex("ditharos/tensor/kernels/.*"), std::regex("^(tensor|autograd|nn|optim|data|training|tests)/.*$"),
     "models/, pipelines/ and examples/ use operations, not kernels"},
    {std::regex("ditharos/autograd/inspect/.*"), std::regex("^autograd/inspect/.*|^(?!autograd/).*"),
     "the core of autograd/ tells observers what happens (tensor/observer.h) and does not know autograd/inspect/"},
    {std::regex("ditharos/ditharos\\.h"), std::regex("^(examples|tests)/.*$"),
     "the library includes what it uses, not all"},
};

// A pattern that must not appear in the code of the files it concerns.
struct CodeRule {
  std::regex pattern, concerns, except;
  const char* reason;
};
const std::regex nowhere("^$");
const std::vector<CodeRule> code_rules = {
    {std::regex("^\\s*#\\s*pragma\\s+omp\\b"), std::regex(""), openmp_files, openmp_reason},
    {std::regex("\\b(mutable_)?data\\s*<|\\bparallel_(for|tasks)\\b|\\b(float|double|int64_t)\\s*(const\\s*)?\\*"),
     std::regex("^autograd/"), nowhere, "autograd/ never touches elements: write a kernel and call it"},
    {std::regex("\\bstd::(cout|cerr|clog)\\b|\\b(printf|puts|fprintf|fputs|perror)\\s*\\("), library, nowhere,
     "the library never prints"},
    {std::regex("\\b(abort|exit|_exit|quick_exit|terminate)\\s*\\("), library, nowhere,
     "the library never ends the process: throw"},
    {std::regex("\\bstd::(\\w+_distribution|shuffle|random_shuffle|random_device)\\b"), std::regex(""), nowhere,
     "differs between standard libraries: use tensor/random.h"},
};

std::string number(size_t n) { return std::to_string(n); }

std::string folder_of(const std::string& path) { return path.substr(0, path.find('/')); }

bool is_header(const std::string& path) { return path.ends_with(".h"); }

// The folder that a header is internal to, which its second line names, or "".
std::string internal_to(const std::string& header) {
  const std::string begin = "#pragma once\n// Internal to ", end = "/.\n";
  const size_t line_end = header.find('\n', std::min(begin.size(), header.size()));
  if (!header.starts_with(begin) || line_end == std::string::npos) return "";
  const std::string rest = header.substr(begin.size(), line_end + 1 - begin.size());
  return rest.ends_with(end) ? rest.substr(0, rest.size() - end.size()) : "";
}

bool is_within(const std::string& path, const std::string& folder) { return path.starts_with(folder + "/"); }

// The ' of 1'000, which opens no character literal.
bool is_digit_separator(const std::string& text, size_t quote) {
  return quote > 0 && std::isalnum(static_cast<unsigned char>(text[quote - 1]));
}

// Length in characters, not bytes: UTF-8 continuation bytes do not count.
size_t columns(const std::string& line) {
  return static_cast<size_t>(std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string read_text(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  check<IoError>(in.good(), "[layering] cannot read ", path.string());
  return {std::istreambuf_iterator<char>(in), {}};
}

// An #include line: the header's name and whether it stands in angle brackets.
struct Include {
  std::string header;
  bool angled = false;
};
bool parse_include(const std::string& line, Include& include) {
  static const std::regex pattern("^\\s*#\\s*include\\s*([<\"])([^>\"]+)[>\"].*");
  std::smatch match;
  if (!std::regex_match(line, match, pattern)) return false;
  include = {match[2], match[1] == "<"};
  return true;
}

void check_include(const std::string& path, const Include& include, std::vector<std::string>& reasons) {
  const std::string prefix = "ditharos/", from = folder_of(path);
  const bool of_library = include.header.starts_with(prefix);
  if (!include.angled) {
    const std::string to = folder_of(include.header);
    if (to != "tests" && to != "examples")
      reasons.push_back("write #include <ditharos/FOLDER/file.h>, not \"" + include.header + "\"");
    else if (!may_include.at(from).contains(to)) reasons.push_back(from + "/ must not include " + to + "/");
  } else if (of_library && include.header != "ditharos/ditharos.h") {
    const std::string file = include.header.substr(prefix.size()), to = folder_of(file);
    if (to == "tests" || to == "examples")
      reasons.push_back("write #include \"" + file + "\"; " + to + "/ is not installed");
    else if (!may_include.at(from).contains(to)) reasons.push_back(from + "/ must not include " + to + "/");
  }
  for (const HeaderRule& rule : header_rules)
    if (std::regex_match(include.header, rule.header) && !std::regex_match(path, rule.allowed))
      reasons.emplace_back(rule.reason);
}

// A source is named after the header that declares what it defines: its own name or the beginning of it (png.h of
// png_encode.cpp), in its folder or the one above; or its folder's header (ops.h of ops/exp.cpp); or that of a class of
// a lower layer (tensor/tensor.h of autograd/tensor.cpp). Programs and tests declare nothing.
bool has_header(const std::string& path, const std::string& text, const Texts& files) {
  static const std::regex program("\\bint main\\(|\\bTEST_CASE[A-Z_]*\\(");
  if (std::regex_search(text, program)) return true;
  const size_t slash = path.rfind('/');
  const std::string folder = path.substr(0, slash), own = path.substr(slash + 1, path.size() - slash - 5);
  const std::string above = folder.substr(0, std::min(folder.rfind('/'), folder.size()));
  for (std::string name = own;; name.resize(name.rfind('_'))) {
    if (files.contains(folder + "/" + name + ".h") || files.contains(above + "/" + name + ".h")) return true;
    if (name.find('_') == std::string::npos) break;
  }
  if (files.contains(own + "/" + own + ".h")) return true;
  const auto of_folder = [&](const std::string& f) {
    return files.contains(f + "/" + f.substr(f.rfind('/') + 1) + ".h");
  };
  return files.contains(folder + ".h") || of_folder(folder) || of_folder(above);
}

void check_folders(const Texts& files, std::vector<std::string>& offences) {
  std::map<std::string, size_t> counts;
  for (const auto& [path, text] : files) {
    ++counts[path.substr(0, path.rfind('/'))];
    if (path.ends_with(".cpp") && !has_header(path, text, files))
      offences.push_back(path + ": no header of its name declares what it defines");
  }
  for (const auto& [folder, count] : counts)
    if (count > max_files)
      offences.push_back(folder + "/: " + number(count) + " sources; the cap is " + number(max_files));
}

// Includes of internal headers, which need the text of other files.
void check_internal(const std::string& path, const Texts& files, std::vector<std::string>& offences) {
  Include include;
  const std::vector<std::string> lines = lines_of(without_comments(files.at(path), true));
  for (size_t i = 0; i < lines.size(); ++i) {
    if (!parse_include(lines[i], include) || !include.header.starts_with("ditharos/")) continue;
    const auto target = files.find(include.header.substr(9));
    if (target == files.end()) continue;
    const std::string folder = internal_to(target->second);
    if (folder.empty() || path.starts_with("tests/")) continue;
    if (!is_within(path, folder))
      offences.push_back(path + ":" + number(i + 1) + ": " + target->first + " is internal to " + folder + "/");
    else if (is_header(path) && internal_to(files.at(path)).empty())
      offences.push_back(path + ":" + number(i + 1) + ": the public header includes " + target->first +
                         ", which is internal to " + folder + "/");
  }
}

void check_umbrella(const fs::path& root, const Texts& files, std::vector<std::string>& offences) {
  Include include;
  for (const std::string& line : lines_of(without_comments(read_text(root / umbrella), true))) {
    if (!parse_include(line, include) || !include.header.starts_with("ditharos/")) continue;
    const auto header = files.find(include.header.substr(9));
    const std::string listed = umbrella + ": lists " + include.header;
    if (header == files.end()) offences.push_back(listed + ", which does not exist");
    else if (!internal_to(header->second).empty()) offences.push_back(listed + ", which is internal");
    else if (header->first.starts_with("tensor/kernels/")) offences.push_back(listed + "; kernels are not for users");
  }
}

}  // namespace

std::string without_comments(const std::string& text, bool keep_strings) {
  std::string out = text;
  const auto blank = [&](size_t begin, size_t end) {
    for (size_t i = begin; i < std::min(end, out.size()); ++i)
      if (out[i] != '\n') out[i] = ' ';
  };
  const auto past = [&](const std::string& mark, size_t from) {
    const size_t at = text.find(mark, from);
    return at == std::string::npos ? text.size() : at + mark.size();
  };
  for (size_t i = 0; i < text.size();) {
    const size_t begin = i;
    if (text.compare(i, 2, "//") == 0) {
      i = std::min(text.find('\n', i), text.size());
      blank(begin, i);
    } else if (text.compare(i, 2, "/*") == 0) {
      i = past("*/", i + 2);
      blank(begin, i);
    } else if (text.compare(i, 2, "R\"") == 0) {
      const size_t open = text.find('(', i);
      if (open == std::string::npos) break;
      i = past(")" + text.substr(i + 2, open - i - 2) + "\"", open);
      if (!keep_strings) blank(begin, i);
    } else if (text[i] == '"' || (text[i] == '\'' && !is_digit_separator(text, i))) {
      for (++i; i < text.size() && text[i] != text[begin] && text[i] != '\n'; ++i)
        if (text[i] == '\\') ++i;
      ++i;
      if (!keep_strings) blank(begin, i);
    } else {
      ++i;
    }
  }
  return out;
}

std::vector<std::string> check_file(const std::string& path, const std::string& text) {
  std::vector<std::string> offences;
  const auto report = [&](size_t line, const std::string& reason) {
    offences.push_back(path + ":" + number(line) + ": " + reason);
  };
  const std::vector<std::string> raw = lines_of(text), with_strings = lines_of(without_comments(text, true)),
                                 code = lines_of(without_comments(text, false));
  if (raw.size() > max_lines) report(max_lines + 1, number(raw.size()) + " lines; the cap is " + number(max_lines));
  if (is_header(path) && (raw.empty() || raw[0] != "#pragma once")) report(1, "a header begins with #pragma once");
  for (size_t i = 0; i < raw.size(); ++i) {
    if (columns(raw[i]) > max_columns) report(i + 1, "more than " + number(max_columns) + " columns");
    std::vector<std::string> reasons;
    Include include;
    if (parse_include(with_strings[i], include)) check_include(path, include, reasons);
    for (const CodeRule& rule : code_rules)
      if (std::regex_search(path, rule.concerns) && !std::regex_search(path, rule.except) &&
          std::regex_search(code[i], rule.pattern))
        reasons.emplace_back(rule.reason);
    for (const std::string& reason : reasons) report(i + 1, reason);
  }
  return offences;
}

std::vector<std::string> check_tree(const fs::path& root) {
  std::vector<std::string> offences;
  Texts files;
  for (const auto& [folder, allowed] : may_include) {
    if (!fs::exists(root / folder)) continue;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root / folder)) {
      const std::string path = fs::relative(entry.path(), root).generic_string();
      if (entry.is_regular_file() && (is_header(path) || path.ends_with(".cpp"))) files[path] = read_text(entry.path());
    }
  }
  for (const auto& [path, text] : files) {
    const std::vector<std::string> found = check_file(path, text);
    offences.insert(offences.end(), found.begin(), found.end());
    check_internal(path, files, offences);
  }
  check_folders(files, offences);
  check_umbrella(root, files, offences);
  return offences;
}

}  // namespace ditharos::tests
