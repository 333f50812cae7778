#pragma once
// The command line of the benchmark program.
#include <string>
#include <vector>

#include <ditharos/tensor/dtype.h>

namespace ditharos::bench {

struct Options {
  bool help = false, list = false, json = false;
  DType precision = DType::f32;    ///< of products: f32 or bf16
  double seconds = 0.5;            ///< time for each case
  std::string profile;             ///< file for the trace of the last case; empty: no profiles
  std::vector<std::string> words;  ///< which cases; empty: all
};

/// Throws ConfigError for what it does not understand.
Options parse_options(int argc, char** argv);
/// Whether one of the words is part of the name; a word that is the whole name of a case stands for that case alone.
bool wanted(const Options& options, const std::string& name, const std::vector<std::string>& all_names);

extern const char* const help_text;

}  // namespace ditharos::bench
