// Which observers are notified of the operations of a thread, and in which order.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/inspect/anomaly.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/observer.h>
#include <ditharos/tensor/stop_check.h>

using namespace ditharos;

namespace {

using Log = std::vector<std::string>;

/// Logs its notifications, after its own name.
class Writer : public Observer {
 public:
  Writer(std::string name, Log& log) : name_(std::move(name)), log_(log) {}
  void begin(const WorkItem& work) override { write(std::string("begin ") + work.name); }
  void end() override { write("end"); }
  void on_result(const WorkItem& work, const Tensor&, const std::vector<Tensor>&) override { write(work.name); }
  void on_flops(double n) override { write(std::to_string(int(n))); }

 private:
  void write(const std::string& what) { log_.push_back(name_ + ": " + what); }
  std::string name_;
  Log& log_;
};

Log taken(Log& log) { return std::exchange(log, {}); }

}  // namespace

TEST_CASE("observer: all are notified of everything, in the order of registration") {
  Log log;
  Writer a("a", log), b("b", log);
  const Tensor x = ones({2});
  {
    const ObserverScope first(a);
    {
      const ObserverScope second(b);
      exp(x);
      count_flops(7);
      CHECK(taken(log) == Log{"a: exp", "b: exp", "a: 7", "b: 7"});
    }
    exp(x);
    CHECK(taken(log) == Log{"a: exp"});
    std::thread([&] { exp(x); }).join();
    CHECK(taken(log).empty());
  }
  exp(x);
  CHECK(taken(log).empty());
  CHECK_FALSE(observed());
}

TEST_CASE("observer: scopes may end in any order") {
  Log log;
  Writer a("a", log), b("b", log), c("c", log);
  auto first = std::make_unique<ObserverScope>(a), second = std::make_unique<ObserverScope>(b),
       third = std::make_unique<ObserverScope>(c);
  second.reset();
  count_flops(1);
  CHECK(taken(log) == Log{"a: 1", "c: 1"});
  std::thread([&] { CHECK_FALSE(first->of_this_thread()); }).join();
  CHECK(first->of_this_thread());
  first.reset();
  count_flops(2);
  CHECK(taken(log) == Log{"c: 2"});
  third.reset();
  CHECK_FALSE(observed());
}

TEST_CASE("observer: an exclusive one suspends the others") {
  Log log;
  Writer a("a", log), b("b", log), c("c", log), alone("alone", log);
  auto first = std::make_unique<ObserverScope>(a), second = std::make_unique<ObserverScope>(b);
  auto only = std::make_unique<ObserverScope>(alone, ObserverScope::hear_nothing);
  count_flops(1);
  CHECK(taken(log) == Log{"alone: 1"});
  const ObserverScope later(c);
  first.reset();  // while it hears nothing
  count_flops(2);
  CHECK(taken(log) == Log{"alone: 2", "c: 2"});
  only.reset();
  count_flops(3);
  CHECK(taken(log) == Log{"b: 3", "c: 3"});
}

TEST_CASE("observer: one that was not notified of the beginning of a piece of work is not notified of its end") {
  Log log;
  Writer a("a", log), b("b", log);
  auto first = std::make_unique<ObserverScope>(a);
  std::unique_ptr<ObserverScope> second;
  {
    const WorkScope work({"work"});
    second = std::make_unique<ObserverScope>(b);
  }
  CHECK(taken(log) == Log{"a: begin work", "a: end"});
  {
    const WorkScope work({"work"});
    second.reset();
  }
  CHECK(taken(log) == Log{"a: begin work", "b: begin work", "a: end"});
  first.reset();
  {
    const WorkScope work({"work"});
    first = std::make_unique<ObserverScope>(a);
  }
  CHECK(taken(log).empty());
}

TEST_CASE("observer: anomaly mode is notified of every thread, before the thread's own observers") {
  Log log;
  Writer a("a", log);
  const ObserverScope scope(a);
  const DetectNan guard;
  const Tensor x = from_vector(std::vector<double>{-1});
  CHECK_THROWS_AS(sqrt(x), AutogradError);
  CHECK(taken(log).empty());
  std::thread([&] { CHECK_THROWS_AS(sqrt(x), AutogradError); }).join();
}

TEST_CASE("observer: those before a StopCheck are notified of the operation that it ends, later ones are not") {
  Log log;
  Writer a("a", log), b("b", log);
  const ObserverScope first(a);
  const StopCheck stop([] { return true; });
  const ObserverScope second(b);
  CHECK_THROWS_AS(exp(ones({2})), Stopped);
  CHECK(taken(log) == Log{"a: exp"});
}

TEST_CASE("observer: a traced pass reports each gradient, another one the results of the rules") {
  struct Gradients : Observer {
    Log log;
    void on_gradient(const Node& node, const Tensor& grad) override {
      log.push_back(node.name + (" " + to_text(grad.shape())));
    }
    void on_input_gradient(const Node& node, size_t input, const Tensor& grad) override {
      log.push_back(std::string(node.name) + " to " + std::to_string(input) + " " + to_text(grad.shape()));
    }
    void on_rule_gradient(const Node& node, size_t input, const Tensor& grad) override {
      log.push_back(std::string(node.name) + " rule " + std::to_string(input) + " " + to_text(grad.shape()));
    }
  } gradients;
  const Tensor x = ones({3}).set_requires_grad(), y = ones({2, 3}).set_requires_grad(), z = sum(x + y);
  const ObserverScope scope(gradients);
  trace_backward("test", z, {});
  std::sort(gradients.log.end() - 2, gradients.log.end());  // leaves come in no order
  CHECK(gradients.log == Log{"sum []", "sum rule 0 [2, 3]", "sum to 0 [2, 3]", "add [2, 3]", "add rule 0 [2, 3]",
                             "add to 0 [3]", "add rule 1 [2, 3]", "add to 1 [2, 3]", "leaf [2, 3]", "leaf [3]"});
  CHECK_FALSE(x.grad().defined());
  gradients.log.clear();
  z.backward();
  CHECK(gradients.log == Log{"sum rule 0 [2, 3]", "add rule 0 [2, 3]", "add rule 1 [2, 3]"});
}
