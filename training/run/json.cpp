#include <ditharos/training/run/json.h>

#include <cmath>

#include <ditharos/tensor/io/json.h>
#include <ditharos/tensor/io/number_text.h>

namespace ditharos::training {

JsonObject& JsonObject::add_raw(const std::string& name, const std::string& text) {
  members_ += (members_.empty() ? "" : ", ") + json_string(name) + ": " + text;
  return *this;
}

JsonObject& JsonObject::add(const std::string& name, double value) {
  return add_raw(name, std::isfinite(value) ? shortest(value) : "null");
}
JsonObject& JsonObject::add(const std::string& name, const std::string& value) {
  return add_raw(name, json_string(value));
}
JsonObject& JsonObject::add(const std::string& name, const JsonObject& value) { return add_raw(name, value.text()); }

}  // namespace ditharos::training
