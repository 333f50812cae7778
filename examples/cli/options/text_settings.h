#pragma once
// The settings of a model's text encoder and tokenizer.
#include <cstdint>

#include <ditharos/models/text/encoder.h>
#include "examples/cli/settings.h"

namespace ditharos::examples {

/// What a tokenizer learns from.
struct TokenizerSettings {
  int64_t vocabulary = 512, caption_count = 20000;
};

/// Adds the rows of [text] that images and clips have in common.
void describe_text(Settings& settings, TokenizerSettings& tokenizer, models::TextEncoderConfig& text);

}  // namespace ditharos::examples
