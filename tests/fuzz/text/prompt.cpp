#include <algorithm>

#include <ditharos/data/synthetic/scene_caption.h>
#include "tests/fuzz/fuzz.h"

namespace ditharos::tests {

/// A prompt for synthetic clips; the first line names a class.
void fuzz_prompt(std::string_view bytes) {
  const std::string text(bytes);
  const size_t line = std::min(text.find('\n'), text.size());
  const data::SceneGrammar grammar({"Ankle boot", "T-shirt/top", text.substr(0, line)});
  const data::CaptionFacts facts = grammar.read(text);
  demand(!facts.lead.label || (*facts.lead.label >= 0 && *facts.lead.label < 3), "a class that exists");
}

}  // namespace ditharos::tests
