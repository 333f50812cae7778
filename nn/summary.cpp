#include <ditharos/nn/summary.h>

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/tensor/io/text_table.h>
#include <ditharos/tensor/observer.h>

namespace ditharos::nn {
namespace {

/// The rows of a module and of all modules that it lies in.
class Rows {
 public:
  explicit Rows(const ModuleBase& model) {
    rows.push_back({});
    for (const std::string& path : module_paths(model)) {
      rows.push_back({});
      rows.back().path = path;
    }
    for (size_t i = 0; i < rows.size(); ++i) place_.emplace(rows[i].path, i);
  }

  /// Calls f with the row of the model and of each module on the way to `path`, which may name a parameter.
  template <class F>
  void for_each_on(const std::string& path, const F& f) {
    f(rows[0]);
    for (size_t end = 0; end < path.size();) {
      end = std::min(path.find('.', end + 1), path.size());
      if (const auto found = place_.find(path.substr(0, end)); found != place_.end()) f(rows[found->second]);
    }
  }

  std::vector<ModuleSummary> rows;

 private:
  std::unordered_map<std::string, size_t> place_;
};

/// Hears results and multiply-adds while the forward pass runs.
class Listener : private Observer {
 public:
  explicit Listener(Rows& rows) : rows_(rows) {
    check<AutogradError>(!thread_observers, "[summarize] a profiler is watching this thread; stop it first");
    scope_.emplace(static_cast<Observer&>(*this));
  }

 private:
  void on_result(const WorkItem& work, const Tensor& result, const std::vector<Tensor>&) override {
    rows_.for_each_on(work.module, [&](ModuleSummary& row) {
      row.shape = result.shape();
      row.called = true;
    });
  }
  void on_flops(double n) override {
    rows_.for_each_on(current_module_path(), [&](ModuleSummary& row) { row.macs += int64_t(n / 2); });
  }

  Rows& rows_;
  std::optional<ObserverScope> scope_;
};

/// 1234567 as "1,234,567".
std::string grouped(int64_t n) {
  const std::string digits = std::to_string(n);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text.push_back(',');
    text.push_back(digits[i]);
  }
  return text;
}

}  // namespace

std::vector<ModuleSummary> summarize(const ModuleBase& model, const std::function<Tensor()>& forward) {
  check<AutogradError>(forward != nullptr, "[summarize] there is no forward function");
  name_modules(model);
  Rows rows(model);
  std::unordered_map<std::string, std::unordered_set<const TensorImpl*>> counted;
  // Under all of their names: a module counts what it uses, and shared ones once.
  std::unordered_set<const TensorImpl*> parameters;
  for (const auto& [name, tensor] : named_parameters(model)) parameters.insert(tensor.impl());
  for (const auto& [name, tensor] : named_tensors(model))
    if (parameters.contains(tensor.impl()))
      rows.for_each_on(name, [&, &tensor = tensor](ModuleSummary& row) {
        if (counted[row.path].insert(tensor.impl()).second) row.parameters += tensor.numel();
      });
  Tensor result;
  {
    const GradMode recording(true);
    const Listener listener(rows);
    result = forward();
  }
  check<AutogradError>(result.defined(), "[summarize] the forward function returned an undefined tensor");
  if (needs_grad(result))
    for_each_saved(result, [&](const Node& node, int64_t bytes) {
      rows.for_each_on(node.module, [&](ModuleSummary& row) { row.saved_bytes += bytes; });
    });
  return rows.rows;
}

std::string summary(const ModuleBase& model, const std::function<Tensor()>& forward) {
  std::vector<std::vector<std::string>> table{{"module", "result", "parameters", "MACs", "saved bytes"}, {}};
  for (const ModuleSummary& row : summarize(model, forward))
    table.push_back({row.path.empty() ? "(model)" : row.path, row.called ? to_text(row.shape) : "-",
                     grouped(row.parameters), grouped(row.macs), grouped(row.saved_bytes)});
  std::string text = text_table(table, {false, false, true, true, true});
  for (const SharedNames& names : shared_tensors(model)) {
    std::string line = names[0];
    for (size_t i = 1; i < names.size(); ++i) line.append(i + 1 < names.size() ? ", " : " and ").append(names[i]);
    text.append(line).append(" are one tensor\n");
  }
  return text;
}

TensorNames tensor_names(const ModuleBase& model) {
  TensorNames names;
  for (const NamedTensor& p : named_parameters(model)) names.emplace_back(p.name, p.tensor);
  return names;
}

}  // namespace ditharos::nn
