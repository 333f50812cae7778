#include <ditharos/nn/name_map.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/view.h>

namespace ditharos::nn {
namespace {

constexpr const char* rest = "*";  // the placeholder {*}

bool is_digit(char c) { return '0' <= c && c <= '9'; }

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

bool same_bytes(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) return false;
  const Tensor x = kernels::contiguous(a), y = kernels::contiguous(b);
  return visit_dtype(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    return std::memcmp(x.data<T>(), y.data<T>(), size_t(x.numel()) * sizeof(T)) == 0;
  });
}

/// True if one of the shapes arises from the other by splitting axes, and by axes of size 1. A transposition, whose
/// number of elements agrees as well, is none of these.
bool splits(const Shape& a, const Shape& b) {
  const auto cuts = [](const Shape& shape) {
    std::set<int64_t> products;
    int64_t product = 1;
    for (const int64_t size : shape) products.insert(product *= size);
    return products;
  };
  if (numel(a) != numel(b)) return false;
  if (numel(a) <= 1) return true;
  std::set<int64_t> x = cuts(a), y = cuts(b);
  x.erase(1), y.erase(1);
  return std::ranges::includes(x, y) || std::ranges::includes(y, x);
}

/// The same elements in another shape: a view where the strides allow it.
Tensor reshaped(const Tensor& x, const Shape& shape) {
  return views::reshape(views::can_reshape(x, shape) ? x : kernels::contiguous(x), shape);
}

Tensor with_swapped_halves(const std::string& name, const Tensor& x) {
  check<ShapeError>(x.rank() > 0 && x.size(0) % 2 == 0, "\"", name, "\" has no two halves along axis 0: its shape is ",
                    x.shape());
  const int64_t half = x.size(0) / 2;
  return kernels::cat({views::slice(x, 0, half, 2 * half, 1), views::slice(x, 0, 0, half, 1)}, 0);
}

/// The sizes of a rule's parts along axis 0 of the own tensor.
std::vector<int64_t> part_sizes(const NameRule& rule, const std::string& own, const Shape& shape) {
  const auto count = static_cast<int64_t>(rule.published.size());
  check<ShapeError>(shape.rank() > 0, "\"", own, "\" is a scalar and cannot consist of ", count, " tensors");
  if (rule.sizes.empty()) {
    check<ShapeError>(shape[0] % count == 0, "\"", own, "\" of shape ", shape, " does not consist of ", count,
                      " equal parts along axis 0");
    return std::vector<int64_t>(rule.published.size(), shape[0] / count);
  }
  int64_t sum = 0;
  for (const int64_t size : rule.sizes) sum += size;
  check<ShapeError>(sum == shape[0], "\"", own, "\" of shape ", shape, " has ", shape[0],
                    " rows, but the parts of which it is published have ", sum);
  return rule.sizes;
}

/// The shape of a published tensor with `count` elements: its one -1 is replaced.
Shape completed(const std::string& name, Shape shape, int64_t count) {
  const Shape given = shape;
  int64_t known = 1;
  for (const int64_t size : shape) known *= size < 0 ? 1 : size;
  for (int64_t& size : shape)
    if (size < 0) size = known == 0 ? 0 : count / known;
  check<ShapeError>(numel(shape) == count, "\"", name, "\" has ", count, " elements, which do not fit the shape ",
                    given, " of the published tensor");
  return shape;
}

}  // namespace

NameMap::Pattern::Pattern(const std::string& text) {
  const auto refuse = [&](const char* why) { fail<ConfigError>("[NameMap] \"", text, "\": ", why); };
  for (size_t at = 0; at < text.size();) {
    const size_t open = text.find('{', at);
    if (open != at) pieces_.push_back({text.substr(at, open - at)});
    if (open == std::string::npos) break;
    const size_t close = text.find('}', open);
    if (close == std::string::npos || close == open + 1) refuse("a placeholder is written {i} or {*}");
    pieces_.push_back({text.substr(open + 1, close - open - 1), true});
    at = close + 1;
    const std::string& name = pieces_.back().text;
    if (name == rest && at != text.size()) refuse("{*} stands at the end of a name");
    if (name != rest && at < text.size() && (is_digit(text[at]) || text[at] == '{'))
      refuse("a placeholder is followed by a digit or by another one, so that its end is unclear");
  }
  if (pieces_.empty()) refuse("a name is empty");
  const std::vector<std::string> names = placeholders();
  if (std::ranges::adjacent_find(names) != names.end()) refuse("a placeholder stands twice in a name");
}

bool NameMap::Pattern::match(const std::string& name, Values& values) const {
  size_t at = 0;
  for (const Piece& piece : pieces_) {
    if (!piece.placeholder) {
      if (name.compare(at, piece.text.size(), piece.text) != 0) return false;
      at += piece.text.size();
      continue;
    }
    size_t end = piece.text == rest ? name.size() : at;
    while (piece.text != rest && end < name.size() && is_digit(name[end])) ++end;
    if (end == at || (piece.text != rest && name[at] == '0' && end > at + 1)) return false;
    values[piece.text] = name.substr(at, end - at);
    at = end;
  }
  return at == name.size();
}

std::string NameMap::Pattern::with(const Values& values) const {
  std::string name;
  for (const Piece& piece : pieces_) name += piece.placeholder ? values.at(piece.text) : piece.text;
  return name;
}

std::vector<std::string> NameMap::Pattern::placeholders() const {
  std::vector<std::string> names;
  for (const Piece& piece : pieces_)
    if (piece.placeholder) names.push_back(piece.text);
  std::ranges::sort(names);
  return names;
}

NameMap::NameMap(std::initializer_list<NameRule> rules) {
  for (const NameRule& rule : rules) add(rule);
}

void NameMap::add(NameRule rule) {
  check<ConfigError>(!rule.published.empty(), "[NameMap] \"", rule.own, "\" has no published name");
  check<ConfigError>(rule.sizes.empty() || (rule.sizes.size() == rule.published.size() && !rule.copies), "[NameMap] \"",
                     rule.own, "\": ", rule.sizes.size(), " sizes for ", rule.published.size(),
                     rule.copies ? " copies, which have none" : " parts");
  for (const int64_t size : rule.sizes)
    check<ConfigError>(size > 0, "[NameMap] \"", rule.own, "\": a part has ", size, " rows");
  if (rule.published_shape)
    check<ConfigError>(std::ranges::count_if(*rule.published_shape, [](int64_t size) { return size < 0; }) <= 1,
                       "[NameMap] \"", rule.own, "\": more than one size of ", *rule.published_shape, " is open");
  CompiledRule compiled{rule, Pattern(rule.own), {}};
  for (const std::string& name : rule.published) {
    compiled.published.emplace_back(name);
    check<ConfigError>(compiled.published.back().placeholders() == compiled.own.placeholders(), "[NameMap] \"",
                       rule.own, "\" and \"", name, "\" have different placeholders");
  }
  rules_.push_back(std::move(compiled));
}

void NameMap::add(const NameMap& other, const std::string& own_prefix, const std::string& published_prefix) {
  const auto rules = other.rules_;  // `other` may be this map
  const auto ignored = other.ignored_;
  for (CompiledRule one : rules) {
    one.rule.own = own_prefix + one.rule.own;
    for (std::string& name : one.rule.published) name = published_prefix + name;
    add(std::move(one.rule));
  }
  for (const auto& [name, pattern] : ignored) ignore(published_prefix + name);
}

void NameMap::ignore(std::string published) {
  Pattern pattern(published);
  ignored_.emplace_back(std::move(published), std::move(pattern));
}

NameMap::Target NameMap::target_of(const std::string& published, const std::map<std::string, Tensor>& expected) const {
  for (const CompiledRule& one : rules_)
    for (size_t part = 0; part < one.published.size(); ++part) {
      Pattern::Values values;
      if (!one.published[part].match(published, values)) continue;
      std::string own = one.own.with(values);
      if (expected.contains(own)) return {&one, part, std::move(own)};
    }
  return {};
}

const NameMap::CompiledRule* NameMap::rule_of(const std::string& own, Pattern::Values& values) const {
  for (const CompiledRule& one : rules_) {
    values.clear();
    if (one.own.match(own, values)) return &one;
  }
  return nullptr;
}

bool NameMap::is_ignored(const std::string& published) const {
  Pattern::Values values;
  return std::ranges::any_of(ignored_, [&](const auto& one) { return one.second.match(published, values); });
}

namespace {

std::map<std::string, Tensor> by_name(const NamedTensors& tensors) {
  std::map<std::string, Tensor> map;
  for (const auto& [name, tensor] : tensors)
    check<ConfigError>(map.emplace(name, tensor).second, "[NameMap] the module's tensors name \"", name, "\" twice");
  return map;
}

/// The published tensors of one own tensor, in the order of the rule.
struct Parts {
  std::vector<std::string> names;
  std::vector<Tensor> tensors;  // undefined: not there
};

void check_all_there(const std::string& own, const Parts& parts) {
  std::vector<std::string> there, missing;
  for (size_t i = 0; i < parts.names.size(); ++i)
    (parts.tensors[i].defined() ? there : missing).push_back(parts.names[i]);
  check<ConfigError>(missing.empty(), "\"", own, "\" consists of ", listed(parts.names), ", but only ", listed(there),
                     " can be found; missing: ", listed(missing));
}

Tensor joined(const NameRule& rule, const std::string& own, const Tensor& expected, Parts parts) {
  const bool several = parts.names.size() > 1;
  if (several) check_all_there(own, parts);
  for (size_t i = 0; i < parts.names.size(); ++i) {
    Tensor& part = parts.tensors[i];
    const std::string& name = parts.names[i];
    if (rule.published_shape) {
      Shape shape = expected.shape();
      if (several && !rule.copies) shape[0] = part_sizes(rule, own, shape)[i];
      check<ShapeError>(splits(part.shape(), shape), "\"", name, "\" of shape ", part.shape(),
                        " cannot be laid out as ", shape, " for \"", own, "\"");
      part = reshaped(part, shape);
    }
    if (rule.swap_halves) part = with_swapped_halves(name, part);
    check<DTypeError>(part.dtype() == parts.tensors[0].dtype(), "\"", name, "\" is of dtype ", part.dtype(), ", but \"",
                      parts.names[0], "\" of dtype ", parts.tensors[0].dtype(), "; both become \"", own, "\"");
  }
  if (!several) return parts.tensors[0];
  if (rule.copies) {
    for (size_t i = 1; i < parts.names.size(); ++i)
      check<ConfigError>(same_bytes(parts.tensors[0], parts.tensors[i]), "\"", parts.names[0], "\" and \"",
                         parts.names[i], "\" have different values or shapes, but are one tensor here, \"", own, "\"");
    return parts.tensors[0];
  }
  for (size_t i = 0; i < parts.names.size(); ++i) {
    Shape other = parts.tensors[i].shape();
    const Shape first = parts.tensors[0].shape();
    check<ShapeError>(!other.empty(), "\"", parts.names[i], "\" is a scalar and cannot be a part of \"", own, "\"");
    if (!rule.sizes.empty())
      check<ShapeError>(other[0] == rule.sizes[i], "\"", parts.names[i], "\" of shape ", other, " should have ",
                        rule.sizes[i], " rows as a part of \"", own, "\"");
    if (!rule.sizes.empty() && !first.empty()) other[0] = first[0];
    check<ShapeError>(other == first, "\"", parts.names[i], "\" of shape ", parts.tensors[i].shape(), " and \"",
                      parts.names[0], "\" of shape ", first, " are not equally wide parts of \"", own, "\"");
  }
  return kernels::cat(parts.tensors, 0);
}

}  // namespace

NamedTensors NameMap::to_own(const std::map<std::string, Tensor>& published, const NamedTensors& expected) const {
  const auto wanted = by_name(expected);
  std::map<std::string, std::pair<const CompiledRule*, Parts>> found;  // by own name
  NamedTensors others;
  for (const auto& [name, tensor] : published) {
    check(tensor.defined(), "the published tensor \"", name, "\" is undefined");
    const Target target = target_of(name, wanted);
    if (!target.rule) {
      if (!is_ignored(name)) others.push_back({name, tensor});
      continue;
    }
    auto& [rule, parts] = found[target.own];
    if (!rule) {
      rule = target.rule;
      Pattern::Values values;
      rule->own.match(target.own, values);
      for (const Pattern& pattern : rule->published) parts.names.push_back(pattern.with(values));
      parts.tensors.resize(parts.names.size());
    }
    check<ConfigError>(rule == target.rule, "both \"", name, "\" and \"", parts.names[0], "\" become \"", target.own,
                       "\"; one of the two does not belong here");
    parts.tensors[target.part] = tensor;
  }
  NamedTensors own;
  for (const auto& [name, tensor] : expected)
    if (const auto it = found.find(name); it != found.end())
      own.push_back({name, joined(it->second.first->rule, name, tensor, std::move(it->second.second))});
  for (NamedTensor& other : others) {
    const auto it = found.find(other.name);
    check<ConfigError>(it == found.end(), "both \"", other.name, "\" itself and another published tensor become \"",
                       other.name, "\"");
    own.push_back(std::move(other));
  }
  return own;
}

std::map<std::string, Tensor> NameMap::to_published(const NamedTensors& own) const {
  std::map<std::string, Tensor> published;
  const auto put = [&](const std::string& name, const std::string& from, const Tensor& tensor) {
    check<ConfigError>(published.emplace(name, tensor).second, "\"", from, "\" becomes \"", name,
                       "\", and so does another tensor");
  };
  for (const auto& [name, tensor] : own) {
    Pattern::Values values;
    const CompiledRule* one = rule_of(name, values);
    if (!one) {
      put(name, name, views::alias(tensor));
      continue;
    }
    const NameRule& rule = one->rule;
    const bool split = one->published.size() > 1 && !rule.copies;
    const std::vector<int64_t> sizes = split ? part_sizes(rule, name, tensor.shape()) : std::vector<int64_t>();
    int64_t begin = 0;
    for (size_t i = 0; i < one->published.size(); ++i) {
      const std::string to = one->published[i].with(values);
      Tensor part = split ? views::slice(tensor, 0, begin, begin + sizes[i], 1) : views::alias(tensor);
      if (split) begin += sizes[i];
      if (rule.swap_halves) part = with_swapped_halves(name, part);
      if (rule.published_shape) {
        const Shape shape = completed(name, *rule.published_shape, part.numel());
        check<ShapeError>(splits(part.shape(), shape), "\"", name, "\" of shape ", part.shape(),
                          " cannot be laid out as ", shape, " for \"", to, "\"");
        part = reshaped(part, shape);
      }
      put(to, name, part);
    }
  }
  return published;
}

std::vector<std::string> NameMap::published_names(const std::string& own) const {
  Pattern::Values values;
  const CompiledRule* one = rule_of(own, values);
  if (!one) return {own};
  std::vector<std::string> names;
  for (const Pattern& pattern : one->published) names.push_back(pattern.with(values));
  return names;
}

NameMap::Fit NameMap::fit(const std::map<std::string, Tensor>& published, const NamedTensors& expected) const {
  const auto wanted = by_name(expected);
  Fit result;
  std::set<std::string> found;  // published names
  for (const auto& [name, tensor] : published) {
    if (target_of(name, wanted).rule || wanted.contains(name)) found.insert(name);
    else if (!is_ignored(name)) result.unexpected.push_back(name);
  }
  const auto there = [&](const std::string& own) {
    return found.contains(own) || std::ranges::any_of(rules_, [&](const CompiledRule& one) {
             Pattern::Values values;
             return one.own.match(own, values) && std::ranges::all_of(one.published, [&](const Pattern& pattern) {
                      return found.contains(pattern.with(values));
                    });
           });
  };
  for (const auto& [name, tensor] : wanted)
    if (!there(name))
      for (const std::string& part : published_names(name))
        if (!found.contains(part)) result.missing.push_back(part);
  return result;
}

const NameMap& best_fit(const std::vector<NameMap>& maps, const std::map<std::string, Tensor>& published,
                        const NamedTensors& expected) {
  check<ConfigError>(!maps.empty(), "[best_fit] there is no map to choose from");
  const NameMap* best = nullptr;
  size_t fewest = 0;
  for (const NameMap& map : maps) {
    const NameMap::Fit fit = map.fit(published, expected);
    const size_t left = fit.missing.size() + fit.unexpected.size();
    if (!best || left < fewest) best = &map, fewest = left;
    if (fewest == 0) break;
  }
  return *best;
}

}  // namespace ditharos::nn
