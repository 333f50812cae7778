// The registry of the zoo against the published tables.
#include <doctest/doctest.h>

#include <chrono>
#include <cmath>

#include <ditharos/models/zoo/inspection.h>
#include <ditharos/models/zoo/model_cost.h>
#include <ditharos/models/zoo/registry.h>
#include <ditharos/tensor/allocator.h>
#include "tests/support/message_of.h"

namespace ditharos::tests {
namespace {

using namespace models;

/// A row of the papers' tables. 0: the paper does not say.
struct Published {
  const char* name;
  double gmacs;
  int64_t stored, parameters;
};
constexpr Published published[] = {
    {"DiT-S/8", .36, 33'148'160, 33'142'016},
    {"DiT-S/4", 1.41, 32'945'024, 32'920'448},
    {"DiT-S/2", 6.06, 32'963'360, 32'865'056},
    {"DiT-B/8", 1.42, 130'881'536, 130'869'248},
    {"DiT-B/4", 5.56, 130'475'648, 130'426'496},
    {"DiT-B/2", 23.01, 130'512'416, 130'315'808},
    {"DiT-L/8", 5.01, 458'594'816, 458'578'432},
    {"DiT-L/4", 19.70, 458'053'760, 457'988'224},
    {"DiT-L/2", 80.71, 458'102'816, 457'840'672},
    {"DiT-XL/8", 7.39, 675'683'072, 675'664'640},
    {"DiT-XL/4", 29.05, 675'074'432, 675'000'704},
    {"DiT-XL/2", 118.64, 675'129'632, 674'834'720},
    {"DiT-XL/2-512", 524.54, 676'014'368, 0},
    {"DiT-XL/2-in-context", 119.37, 0, 449'162'528},
    {"DiT-XL/2-cross-attention", 137.62, 0, 597'991'712},
    {"DiT-XL/2-adaLN", 118.56, 0, 600'452'384},
    {"SiT-S/2", 6.06, 32'963'360, 32'865'056},
    {"SiT-XL/2", 118.64, 675'129'632, 674'834'720},
    {"Latte-S/2", 0, 32'585'120, 32'480'672},
    {"Latte-B/2", 0, 129'755'936, 129'547'040},
    {"Latte-L/2", 0, 457'094'176, 456'815'648},
    {"Latte-XL/2", 0, 673'994'912, 673'681'568},
    {"AutoencoderKL-f8", 311.1, 83'653'863, 83'653'863},
};

TEST_CASE("parameters and GMACs of the published tables") {
  for (const Published& row : published) {
    INFO(row.name);
    const ModelCost cost = model_cost(zoo_model(row.name).config);
    if (row.parameters > 0) CHECK(cost.parameters == row.parameters);
    if (row.stored > 0) CHECK(cost.stored == row.stored);
    const double unit = row.gmacs > 200 && row.gmacs < 400 ? .1 : .02;  // the autoencoder's figure has one decimal
    if (row.gmacs > 0) CHECK(std::fabs(double(cost.macs) / 1e9 - row.gmacs) < unit);
  }
}

TEST_CASE("the whole table takes milliseconds and allocates nothing") {
  reset_peak();
  const size_t before = allocator_stats().live;
  const auto start = std::chrono::steady_clock::now();
  const std::string table = zoo_table();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  CHECK(seconds.count() < .1);
  CHECK(allocator_stats().peak == before);
  for (const ZooModel& model : zoo_models()) CHECK(table.find("\n" + model.name + " ") != std::string::npos);
}

TEST_CASE("every configuration of the registry is valid and has one name") {
  for (const ZooModel& model : zoo_models()) {
    INFO(model.name);
    CHECK(find_zoo_model(model.name) == &model);
    CHECK(zoo_name(model.family, model.config) == model.name);
    std::visit([](const auto& config) { config.validate(); }, model.config);
  }
}

TEST_CASE("an unknown name is answered by the known ones") {
  CHECK(message_of<ConfigError>([] { (void)zoo_model("DiT-XL/3"); }).find("DiT-XL/2") != std::string::npos);
  CHECK(message_of<ConfigError>([] { (void)zoo_model("UNet"); }).find("LightningDiT") != std::string::npos);
}

}  // namespace
}  // namespace ditharos::tests
