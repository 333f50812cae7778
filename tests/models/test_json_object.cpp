// The settings of diffusers' config.json: kinds of values, and what is refused.
#include <doctest/doctest.h>

#include <filesystem>

#include <ditharos/models/zoo/json_object.h>
#include <ditharos/tensor/error.h>
#include "tests/support/data_files.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::tests;
using models::JsonObject;

namespace {

std::string refusal(const std::string& text) {
  return message_of<IoError>([&] { return JsonObject::parse(text, "config.json"); });
}

}  // namespace

TEST_CASE("json_object: whole numbers to the ends of i64, and what is beyond them is refused") {
  const std::string text =
      R"({"most": 9223372036854775807, "least": -9223372036854775808, "half": 0.5, "list": [1, -2], "none": null})";
  const JsonObject object = JsonObject::parse(text, "config.json");
  CHECK(object.integer("most") == INT64_MAX);
  CHECK(object.integer("least") == INT64_MIN);
  CHECK(object.number("half") == 0.5);
  CHECK(object.integers("list") == std::vector<int64_t>{1, -2});
  CHECK(!object.has("none"));
  const std::string begin = "config.json is not a JSON object of settings: ";
  for (const std::string number :
       {"9223372036854775808", "-9223372036854775809", "-99999999999999999999", "99999999999999999999", "1e999"}) {
    CAPTURE(number);
    CHECK(refusal("{\"a\": " + number + "}").starts_with(begin));
    CHECK(refusal("{\"a\": [" + number + "]}").starts_with(begin));
  }
}

TEST_CASE("json_object: what is no object is refused, and so is a path that is no file") {
  for (const char* text : {"", "null", "true", "1", "-1", "0.5", "\"a\"", "[]", "[1]", "{", "{\"a\": 1"}) {
    CAPTURE(text);
    CHECK(refusal(text).starts_with("config.json is not a JSON object of settings: "));
  }
  const TemporaryFolder folder;
  CHECK(message_of<IoError>([&] { return JsonObject::load(folder.path()); }).find(folder.path()) != std::string::npos);
  CHECK(message_of<IoError>([&] { return JsonObject::load(folder / "none.json"); }).find("none.json") !=
        std::string::npos);
  write_bytes(folder / "large.json", std::string((1 << 20) + 1, ' '));
  CHECK(message_of<IoError>([&] { return JsonObject::load(folder / "large.json"); }).find("1048577 bytes") !=
        std::string::npos);
}
