#include <ditharos/tests/layering.h>

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

const size_t max_lines = 400, max_columns = 120;

// Which folders a folder may include. Imports run one way only.
const std::map<std::string, std::set<std::string>> may_include = {
    {"tensor", {"tensor"}},
    {"autograd", {"tensor", "autograd"}},
    {"nn", {"tensor", "autograd", "nn"}},
    {"models", {"tensor", "autograd", "nn", "models", "optim"}},
    {"optim", {"tensor", "autograd", "nn", "optim"}},
    {"data", {"tensor", "data"}},
    {"examples", {"tensor", "autograd", "nn", "models", "optim", "data", "examples"}},
    {"tests", {"tensor", "autograd", "nn", "models", "optim", "data", "examples", "tests"}},
};
const std::regex library("^(tensor|autograd|nn|models|optim|data)/");

// Headers for the .cpp files of their own folder, not for users of the library.
const std::set<std::string> private_headers = {
    "autograd/cut.h",            "autograd/formulas.h",      "autograd/graph_layout.h",
    "autograd/graph_listing.h",  "autograd/html_template.h", "autograd/pass_recorder.h",
    "autograd/ops/axes.h",       "autograd/ops/einsum_equation.h", "autograd/ops/operands.h",
    "autograd/ops/normal_cdf.h", "autograd/ops/normalized.h",
    "autograd/meta.h",           "data/byte_reader.h", "data/captions.h",    "data/distance.h",
    "data/font.h",  "data/frame_folder.h", "data/palette.h", "data/pixels.h",
    "data/program.h", "data/video_formats.h",               "data/names.h",          "data/png_calls.h",
    "data/piece_learner.h",      "data/prefetcher.h",        "data/words.h",
    "data/sky_fit.h",            "data/thing_mask.h",      "data/emoji_font.h",
    "data/scene_words.h",         "data/folder_contents.h", "data/unicode.h",
    "optim/checkpoint_record.h", "tensor/safetensors_header.h",
    "models/diffusion/batch.h", "models/diffusion/samplers/step.h", "tensor/thread_count.h",
};

// Tests act as programs that use OpenMP themselves.
const std::regex openmp_files("^tensor/(parallel\\.cpp|kernels/.*)$|^tests/.*$");
const char* const openmp_reason = "OpenMP is used only behind tensor/parallel.h, in tensor/kernels/ and by tests";

// A header (the text between the angle brackets) and the only files that may include it.
struct HeaderRule {
  std::regex header, allowed;
  const char* reason;
};
const std::vector<HeaderRule> header_rules = {
    {std::regex("(oneapi/dnnl/.*|dnnl.*)"), std::regex("^tensor/kernels/[^/]*_onednn\\.cpp$"),
     "oneDNN is included only by the seam, tensor/kernels/*_onednn.cpp"},
    {std::regex("omp\\.h"), openmp_files, openmp_reason},
    {std::regex("cereal/.*"), std::regex("^(optim|tests)/.*\\.cpp$"),
     "cereal is included only by .cpp files of optim/"},
    {std::regex("(toml\\+\\+|CLI)/.*"), std::regex("^(examples|tests)/.*\\.cpp$"),
     "toml++ and CLI11 are included only by .cpp files of examples/"},
    {std::regex("(png|zlib)\\.h"), std::regex("^data/.*\\.cpp$|^data/png_calls\\.h$|^tests/.*$"),
     "libpng and zlib are included only by .cpp files of data/"},
    {std::regex("gif_lib\\.h|webp/.*"), std::regex("^(data|tests)/.*\\.cpp$"),
     "giflib and libwebp are included only by .cpp files of data/"},
    {std::regex("utf8proc\\.h"), std::regex("^data/unicode\\.cpp$"), "utf8proc is included only by data/unicode.cpp"},
    {std::regex("doctest/.*"), std::regex("^tests/.*$"), "doctest belongs to tests/"},
    {std::regex("ditharos/tensor/kernels/.*"), std::regex("^(tensor|autograd|nn|optim|data|tests)/.*$"),
     "models/ and examples/ use operations, not kernels"},
    {std::regex("ditharos/optim/.*"), std::regex("^(optim|examples|tests)/.*$|^models/diffusion/trainer\\.(h|cpp)$"),
     "only models/diffusion/trainer joins models/ and optim/"},
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

bool is_public_header(const std::string& path) {
  return is_header(path) && std::regex_search(path, library) && !path.starts_with("tensor/kernels/") &&
         !private_headers.contains(path);
}

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
  if (!include.angled) reasons.push_back("write #include <ditharos/FOLDER/file.h>, not \"" + include.header + "\"");
  const std::string prefix = "ditharos/";
  if (include.header.starts_with(prefix) && include.header != "ditharos/ditharos.h") {
    const std::string target = include.header.substr(prefix.size()), from = folder_of(path), to = folder_of(target);
    if (!may_include.at(from).contains(to)) reasons.push_back(from + "/ must not include " + to + "/");
    if (private_headers.contains(target) && from != "tests" && (from != to || is_public_header(path)))
      reasons.push_back(target + " is private to the .cpp files of " + to + "/");
  }
  for (const HeaderRule& rule : header_rules)
    if (std::regex_match(include.header, rule.header) && !std::regex_match(path, rule.allowed))
      reasons.push_back(rule.reason);
}

void check_umbrella(const fs::path& root, const std::set<std::string>& headers, std::vector<std::string>& offences) {
  std::set<std::string> listed;
  Include include;
  for (const std::string& line : lines_of(without_comments(read_text(root / "ditharos.h"), true)))
    if (parse_include(line, include)) listed.insert(include.header);
  for (const std::string& header : headers)
    if (!listed.contains("ditharos/" + header))
      offences.push_back("ditharos.h: lacks #include <ditharos/" + header +
                         "> (or is it private? see tests/layering.cpp)");
  for (const std::string& header : listed)
    if (header.starts_with("ditharos/tensor/kernels/"))
      offences.push_back("ditharos.h: lists " + header + "; kernels are not for users");
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
        reasons.push_back(rule.reason);
    for (const std::string& reason : reasons) report(i + 1, reason);
  }
  return offences;
}

std::vector<std::string> check_tree(const fs::path& root) {
  std::vector<std::string> offences;
  std::set<std::string> sources, public_headers;
  for (const auto& [folder, allowed] : may_include) {
    if (!fs::exists(root / folder)) continue;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root / folder)) {
      const std::string path = fs::relative(entry.path(), root).generic_string();
      if (entry.is_regular_file() && (is_header(path) || path.ends_with(".cpp"))) sources.insert(path);
    }
  }
  for (const std::string& path : sources) {
    const std::vector<std::string> found = check_file(path, read_text(root / path));
    offences.insert(offences.end(), found.begin(), found.end());
    if (is_public_header(path)) public_headers.insert(path);
  }
  check_umbrella(root, public_headers, offences);
  return offences;
}

}  // namespace ditharos::tests
