#include "examples/cli/options/text_settings.h"

#include <ditharos/data/text/tokenizer.h>

namespace ditharos::examples {

void describe_text(Settings& settings, TokenizerSettings& tokenizer, models::TextEncoderConfig& text) {
  constexpr double most = 1 << 16;  // of every size of a model, as its configuration has it
  settings.section("text", "prompts")
      .add("vocabulary", tokenizer.vocabulary, "most tokens that are learnt from captions",
           between(double(data::Tokenizer::least_vocabulary), 1 << 24))
      .add("caption_count", tokenizer.caption_count, "captions that they are learnt from", between(1, 1e9))
      .add("prompt_length", text.length, "most tokens of a prompt", between(2, most))
      .add("text_width", text.width, "width of a token's vector", between(1, most))
      .add("text_depth", text.depth, "blocks of the text encoder", between(1, most))
      .add("text_heads", text.heads, "attention heads per block", between(1, most));
}

}  // namespace ditharos::examples
