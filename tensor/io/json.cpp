#include <ditharos/tensor/io/json.h>

#include <nlohmann/json.hpp>

#include <ditharos/tensor/error.h>

namespace ditharos {
namespace {

using nlohmann::json;

/// nlohmann_json's events, passed on. Its own exceptions become IoError.
class Events : public nlohmann::json_sax<json> {
 public:
  Events(JsonHandler& handler, const std::string& source) : handler_(handler), source_(source) {}

  bool null() override { return handler_.other("null"), true; }
  bool boolean(bool value) override { return handler_.other(value ? "true" : "false"), true; }
  bool number_integer(number_integer_t value) override { return handler_.other(std::to_string(value)), true; }
  bool number_unsigned(number_unsigned_t value) override { return handler_.whole_number(value), true; }
  bool number_float(number_float_t, const string_t& text) override { return handler_.other(text), true; }
  bool string(string_t& value) override { return handler_.string(std::move(value)), true; }
  bool binary(binary_t&) override { return false; }  // not in text
  bool start_object(std::size_t) override { return handler_.begin_object(), true; }
  bool key(string_t& name) override { return handler_.key(std::move(name)), true; }
  bool end_object() override { return handler_.end_object(), true; }
  bool start_array(std::size_t) override { return handler_.begin_array(), true; }
  bool end_array() override { return handler_.end_array(), true; }

  bool parse_error(std::size_t position, const std::string&, const json::exception& error) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 9: syntax error while ..."
    const std::string text = error.what();
    const size_t colon = text.find(": "), reason = colon == std::string::npos ? 0 : colon + 2;
    constexpr size_t longest = 300;  // it quotes the token, which may be as long as the text
    fail<IoError>("byte ", position, " of ", source_, ": ", text.substr(reason, longest));
  }

 private:
  JsonHandler& handler_;
  const std::string& source_;
};

}  // namespace

void JsonHandler::refuse(const std::string& what) { fail<IoError>("there is ", what, " where it does not belong"); }

void JsonMemberHandler::check_inside() const { check<IoError>(depth_ > 0, what_, " is no object"); }

void JsonMemberHandler::begin_object() {
  if (depth_ == 1) other_member(key_, "an object");
  ++depth_;
}

void JsonMemberHandler::begin_array() {
  check_inside();
  if (depth_ == 1) other_member(key_, "an array");
  ++depth_;
}

void JsonMemberHandler::key(std::string&& name) {
  if (depth_ == 1) key_ = std::move(name);
}

void JsonMemberHandler::string(std::string&& value) {
  check_inside();
  if (depth_ == 1) string_member(key_, std::move(value));
}

void JsonMemberHandler::whole_number(uint64_t value) {
  check_inside();
  if (depth_ == 1) number_member(key_, value);
}

void JsonMemberHandler::other(const std::string& text) {
  check_inside();
  if (depth_ == 1) other_member(key_, text);
}

void read_json(std::string_view text, const std::string& source, JsonHandler& handler) {
  Events events(handler, source);
  json::sax_parse(text.begin(), text.end(), &events);
}

std::string json_string(std::string_view text) {
  return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace ditharos
