#include <ditharos/tensor/io/file.h>
#include <ditharos/training/run/step_log.h>
#include "tests/fuzz/fuzz.h"

namespace ditharos::tests {

/// metrics.jsonl of a run that is resumed at step 3: what is kept is a beginning of the file, and reads back.
void fuzz_step_log(std::string_view bytes) {
  const std::string path = file_with("metrics.jsonl", bytes);
  constexpr uint64_t most_bytes = 1 << 24;
  {
    training::StepLog log(path, 3);
    const std::string kept = read_file(path, most_bytes);
    demand(bytes.starts_with(kept) && (kept.empty() || kept.back() == '\n'), "whole lines of the beginning");
    log.append(4, training::JsonObject().add("loss", .5));
  }
  const std::string written = read_file(path, most_bytes);
  const training::StepLog again(path, 4);
  demand(read_file(path, most_bytes) == written, "the same lines");
}

}  // namespace ditharos::tests
