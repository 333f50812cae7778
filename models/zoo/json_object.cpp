#include <ditharos/models/zoo/json_object.h>

#include <charconv>
#include <limits>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/io/json.h>

namespace ditharos::models {
namespace {

constexpr uint64_t largest_file = 1 << 20;

template <class T>
T number_of(const std::string& text) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  check<IoError>(error == std::errc() && end == text.data() + text.size(), "the number ", text, " is out of range");
  return value;
}

}  // namespace

/// Keeps the values of the outer object. `depth_` counts the objects and lists around the next value.
class JsonObjectReader : public JsonHandler {
 public:
  explicit JsonObjectReader(JsonObject& object) : object_(object) {}

  void begin_object() override { begin(false); }
  void begin_array() override { begin(true); }
  void end_object() override { --depth_; }
  void end_array() override {
    if (--depth_ == 1 && keep_list_) object_.values_[key_] = std::move(list_);
  }
  void key(std::string&& name) override {
    if (depth_ == 1) key_ = std::move(name);
  }
  void string(std::string&& text) override { put(std::move(text)); }
  void whole_number(uint64_t value) override {
    check<IoError>(value <= uint64_t(std::numeric_limits<int64_t>::max()), "the number ", value, " is out of range");
    put(int64_t(value));
  }
  void other(const std::string& text) override {
    if (text == "true" || text == "false") return put(text == "true");
    if (text == "null") {
      check<IoError>(depth_ > 0, "it is not an object");
      if (depth_ > 1) keep_list_ = false;
      return;
    }
    if (text.find_first_of(".eE") == std::string::npos) return put(number_of<int64_t>(text));  // a negative integer
    put(number_of<double>(text));
  }

 private:
  void begin(bool list) {
    if (depth_ == 0 && list) refuse("a list");
    if (depth_ == 1) keep_list_ = list, list_.clear();
    else keep_list_ = false;  // lists of lists are skipped
    ++depth_;
  }
  void put(JsonObject::Value value) {
    check<IoError>(depth_ > 0, "it is not an object");
    if (depth_ == 1) object_.values_[key_] = std::move(value);
    else if (depth_ == 2 && std::holds_alternative<int64_t>(value)) list_.push_back(std::get<int64_t>(value));
    else keep_list_ = false;  // lists of texts
  }

  JsonObject& object_;
  int64_t depth_ = 0;
  std::string key_;
  bool keep_list_ = false;
  std::vector<int64_t> list_;
};

JsonObject JsonObject::parse(const std::string& text, const std::string& source) {
  JsonObject object;
  object.source_ = source;
  JsonObjectReader reader(object);
  try {
    read_json(text, "the text", reader);
  } catch (const IoError& e) {
    fail<IoError>(source, " is not a JSON object of settings: ", e.what());
  }
  return object;
}

JsonObject JsonObject::load(const std::string& path) { return parse(read_file(path, largest_file), path); }

bool JsonObject::has(const std::string& key) const { return values_.contains(key); }

template <class T>
std::optional<T> JsonObject::as(const std::string& key, const char* kind) const {
  const auto found = values_.find(key);
  if (found == values_.end()) return {};
  const T* value = std::get_if<T>(&found->second);
  check<ConfigError>(value != nullptr, source_, ": \"", key, "\" is not ", kind);
  return *value;
}

std::optional<int64_t> JsonObject::integer(const std::string& key) const { return as<int64_t>(key, "an integer"); }
std::optional<bool> JsonObject::flag(const std::string& key) const { return as<bool>(key, "true or false"); }
std::optional<std::string> JsonObject::text(const std::string& key) const { return as<std::string>(key, "a text"); }

std::optional<double> JsonObject::number(const std::string& key) const {
  const auto found = values_.find(key);
  if (found != values_.end() && std::holds_alternative<int64_t>(found->second))
    return double(std::get<int64_t>(found->second));
  return as<double>(key, "a number");
}

std::optional<std::vector<int64_t>> JsonObject::integers(const std::string& key) const {
  const auto found = values_.find(key);
  if (found != values_.end() && std::holds_alternative<int64_t>(found->second))
    return std::vector<int64_t>{std::get<int64_t>(found->second)};
  return as<std::vector<int64_t>>(key, "a list of integers");
}

}  // namespace ditharos::models
