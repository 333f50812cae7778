#include <ditharos/models/text/t5_names.h>

namespace ditharos::models {

std::vector<nn::NameMap> t5_names() {
  const std::string attention = "encoder.block.{i}.layer.0.SelfAttention.";
  nn::NameMap blocks{{.own = attention + "qkv.weight",
                      .published = {attention + "q.weight", attention + "k.weight", attention + "v.weight"}},
                     {.own = attention + "proj.weight", .published = {attention + "o.weight"}}};
  for (const char* name : {"decoder.{*}", "lm_head.weight"}) blocks.ignore(name);
  const std::string table = "shared.weight", alias = "encoder.embed_tokens.weight";
  nn::NameMap twice = blocks, as_alias = blocks;
  twice.add({.own = table, .published = {table, alias}, .copies = true});
  as_alias.add({.own = table, .published = {alias}});
  return {blocks, twice, as_alias};
}

}  // namespace ditharos::models
