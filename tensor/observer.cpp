#include <ditharos/tensor/observer.h>

#include <utility>

namespace ditharos {
namespace {
constinit thread_local uint64_t registrations = 0;
}

ObserverScope::ObserverScope(Observer& observer, Others others) : observer_(observer), number_(++registrations) {
  if (others == hear_nothing) suspended_ = std::exchange(thread_observers, nullptr);
  ObserverScope** last = &thread_observers;
  while (*last) last = &(*last)->next_;
  *last = this;
}

ObserverScope::~ObserverScope() {
  ObserverScope** const place = find(thread_observers, this);
  if (!place) return;  // this is another thread than the one that it listens to
  *place = next_;
  if (!suspended_) return;
  // The suspended ones are older than those that were registered since, so they come first.
  ObserverScope** last = &suspended_;
  while (*last) last = &(*last)->next_;
  *last = *place;
  *place = suspended_;
}

bool ObserverScope::of_this_thread() const { return find(thread_observers, this) != nullptr; }

/// The pointer to `scope` in a list or in one that is suspended by a member of the list; null when it is in neither.
ObserverScope** ObserverScope::find(ObserverScope*& list, const ObserverScope* scope) {
  for (ObserverScope** at = &list; *at; at = &(*at)->next_) {
    if (*at == scope) return at;
    if (ObserverScope** const below = find((*at)->suspended_, scope)) return below;
  }
  return nullptr;
}

void WorkScope::begin(const WorkItem& work) {
  of_all_ = process_observer.load(std::memory_order_acquire);
  newest_ = registrations;
  begun_ = true;
  notify([&](Observer& o) { o.begin(work); });
}

void WorkScope::end() const {
  if (of_all_ && process_observer.load(std::memory_order_acquire) == of_all_) of_all_->end();
  for (const ObserverScope* scope = thread_observers; scope; scope = scope->next())
    if (scope->number() <= newest_) scope->observer().end();
}

}  // namespace ditharos
