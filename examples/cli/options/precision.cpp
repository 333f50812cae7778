#include "examples/cli/options/precision.h"

#include <string>

#include "examples/cli/program.h"

namespace ditharos::examples {

const char* const precision_help =
    "of products: f32; bf16, which sums in f32 and is faster on CPUs with AVX512_BF16; auto, bf16 on such a CPU and "
    "f32 elsewhere";
const std::vector<std::pair<const char*, Precision>> precision_names{
    {"f32", Precision::f32}, {"bf16", Precision::bf16}, {"auto", Precision::automatic}};

void say_precision(Precision precision) {
  if (const std::string note = precision_note(precision); !note.empty()) print_notes({note});
}

}  // namespace ditharos::examples
