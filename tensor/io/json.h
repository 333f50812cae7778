#pragma once
// JSON text (RFC 8259), read value by value through nlohmann_json. The handler decides what is kept, so a long or
// deeply nested text takes no memory by itself.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace ditharos {

/// Receives the values of a JSON text in their order. Each function may throw; the exception leaves read_json. By
/// default every value is refused.
class JsonHandler {
 public:
  virtual ~JsonHandler() = default;
  virtual void begin_object() { refuse("an object"); }
  virtual void key(std::string&& name) { refuse("the key \"" + name + "\""); }
  virtual void end_object() {}
  virtual void begin_array() { refuse("an array"); }
  virtual void end_array() {}
  virtual void string(std::string&&) { refuse("a string"); }
  /// A whole number from 0 to 2^64 - 1, written without a fraction or an exponent.
  virtual void whole_number(uint64_t) { refuse("a number"); }
  /// Any other number, true, false or null.
  virtual void other(const std::string& text) { refuse(text); }

 protected:
  /// IoError "there is WHAT where it does not belong".
  [[noreturn]] static void refuse(const std::string& what);
};

/// The members of one object. Arrays and objects among their values are passed over, once other_member was called for
/// them. By default every member is passed over.
class JsonMemberHandler : public JsonHandler {
 public:
  /// `what` says in messages what must be an object: "the line".
  explicit JsonMemberHandler(std::string what) : what_(std::move(what)) {}

  void begin_object() final;
  void key(std::string&& name) final;
  void end_object() final { --depth_; }
  void begin_array() final;
  void end_array() final { --depth_; }
  void string(std::string&& value) final;
  void whole_number(uint64_t value) final;
  void other(const std::string& text) final;

 protected:
  virtual void string_member(const std::string& key, std::string&& value) { other_member(key, "\"" + value + "\""); }
  virtual void number_member(const std::string& key, uint64_t value) { other_member(key, std::to_string(value)); }
  /// `value` is "an object", "an array" or the text of any other value.
  virtual void other_member(const std::string& /*key*/, const std::string& /*value*/) {}

 private:
  void check_inside() const;

  std::string what_, key_;
  int64_t depth_ = 0;
};

/// Passes the values of `text` to the handler. IoError, with the byte, for text that is not JSON or not UTF-8; `source`
/// says in messages what the text is: "byte 7 of the header".
void read_json(std::string_view text, const std::string& source, JsonHandler& handler);

/// `text` as a JSON string with its quotation marks. Bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string json_string(std::string_view text);

}  // namespace ditharos
