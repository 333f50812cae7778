#include <ditharos/training/run/json.h>

#include <cmath>

#include <ditharos/tensor/io/json.h>
#include <ditharos/tensor/io/number_text.h>

namespace ditharos::training {
namespace {

std::string number_text(double value) { return std::isfinite(value) ? shortest(value) : "null"; }

}  // namespace

JsonObject& JsonObject::add_raw(const std::string& name, const std::string& text) {
  members_ += (members_.empty() ? "" : ", ") + json_string(name) + ": " + text;
  return *this;
}

JsonObject& JsonObject::add(const std::string& name, double value) { return add_raw(name, number_text(value)); }
JsonObject& JsonObject::add(const std::string& name, const std::vector<double>& values) {
  std::string list;
  for (const double value : values) list += (list.empty() ? "" : ", ") + number_text(value);
  return add_raw(name, "[" + list + "]");
}
JsonObject& JsonObject::add(const std::string& name, const std::string& value) {
  return add_raw(name, json_string(value));
}
JsonObject& JsonObject::add(const std::string& name, const JsonObject& value) { return add_raw(name, value.text()); }

}  // namespace ditharos::training
