#include <ditharos/tensor/io/torch/pickle.h>

#include <bit>
#include <utility>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/quoted_text.h>
#include <ditharos/tensor/io/torch/pickle_globals.h>

namespace ditharos::pickle {
namespace {

/// The operations of CPython's pickle.py.
enum Op : uint8_t {
  mark = '(',
  stop = '.',
  pop = '0',
  pop_mark = '1',
  dup = '2',
  binfloat = 'G',
  binint = 'J',
  binint1 = 'K',
  binint2 = 'M',
  none = 'N',
  binpersid = 'Q',
  reduce = 'R',
  binstring = 'T',
  short_binstring = 'U',
  binunicode = 'X',
  append = 'a',
  build = 'b',
  global = 'c',
  dict = 'd',
  empty_dict = '}',
  appends = 'e',
  binget = 'h',
  long_binget = 'j',
  list = 'l',
  empty_list = ']',
  binput = 'q',
  long_binput = 'r',
  setitem = 's',
  tuple = 't',
  empty_tuple = ')',
  setitems = 'u',
  binbytes = 'B',
  short_binbytes = 'C',
  proto = 0x80,
  newobj = 0x81,
  tuple1 = 0x85,
  tuple2 = 0x86,
  tuple3 = 0x87,
  newtrue = 0x88,
  newfalse = 0x89,
  long1 = 0x8a,
  long4 = 0x8b,
  short_binunicode = 0x8c,
  binunicode8 = 0x8d,
  binbytes8 = 0x8e,
  empty_set = 0x8f,
  additems = 0x90,
  frozenset = 0x91,
  stack_global = 0x93,
  memoize = 0x94,
  frame = 0x95,
};

class Machine {
 public:
  explicit Machine(std::string_view bytes) : bytes_(bytes) {}

  Document run() {
    check_here(next() == proto, "it does not begin with a protocol");
    const auto version = next();
    check_here(2 <= version && version <= 5, "it is of protocol ", int(version), "; protocols 2 to 5 can be read");
    for (;;) {
      op_at_ = at_;
      const uint8_t op = next();
      if (op == stop) break;
      step(op);
      check_here(
          stack_.size() <= max_stack && document_.containers.size() <= max_containers && memo_.size() <= max_memo,
          "it builds more values than a state dict has");
    }
    document_.root = take();
    return std::move(document_);
  }

 private:
  template <class... Parts>
  void check_here(bool ok, const Parts&... parts) const {
    check<IoError>(ok, "byte ", op_at_, " of its pickle: ", parts...);
  }

  // Bytes.
  uint8_t next() {
    check_here(at_ < bytes_.size(), "it ends early");
    return static_cast<uint8_t>(bytes_[at_++]);
  }
  uint64_t number(int bytes) {
    uint64_t value = 0;
    for (int i = 0; i < bytes; ++i) value |= uint64_t{next()} << (8 * i);
    return value;
  }
  Value text(Kind kind, uint64_t length) {
    check_here(length <= bytes_.size() - at_ && length <= UINT32_MAX, "a text of ", length, " bytes in a pickle of ",
               bytes_.size());
    Value value(kind, uint32_t(length));
    value.start = bytes_.data() + at_;
    at_ += size_t(length);
    return value;
  }
  std::string_view line() {
    const size_t end = bytes_.find('\n', at_);
    check_here(end != std::string_view::npos, "it ends early");
    const std::string_view text = bytes_.substr(at_, end - at_);
    at_ = end + 1;
    return text;
  }
  /// A little-endian two's complement number; opaque where it has more than eight bytes.
  Value whole(uint64_t length) {
    const Value raw = text(Kind::bytes, length);
    if (length > 8) return Value(Kind::opaque);
    uint64_t bits = 0;
    for (size_t i = 0; i < length; ++i) bits |= uint64_t{static_cast<uint8_t>(raw.start[i])} << (8 * i);
    if (length > 0 && length < 8 && (bits >> (8 * length - 1)) != 0) bits |= ~uint64_t{0} << (8 * length);
    Value value(Kind::integer);
    value.integer = int64_t(bits);
    return value;
  }

  // The stack.
  void push(Value value) { stack_.push_back(value); }
  void push(Kind kind) { stack_.emplace_back(kind); }
  void push_integer(int64_t integer) {
    push(Kind::integer);
    stack_.back().integer = integer;
  }
  Value take() {
    check_here(!stack_.empty() && stack_.back().kind != Kind::mark, "it takes a value from an empty stack");
    const Value value = stack_.back();
    stack_.pop_back();
    return value;
  }
  Value& top() {
    check_here(!stack_.empty() && stack_.back().kind != Kind::mark, "it uses a value of an empty stack");
    return stack_.back();
  }
  /// All above the last mark, which is removed.
  std::vector<Value> take_to_mark() {
    auto at = stack_.end();
    while (at != stack_.begin() && (at - 1)->kind != Kind::mark) --at;
    check_here(at != stack_.begin(), "there is no mark on the stack");
    std::vector<Value> items(at, stack_.end());
    stack_.erase(at - 1, stack_.end());
    return items;
  }
  Value container(Kind kind, std::vector<Value> items) {
    count(items.size());
    Value value(kind);
    value.index = document_.containers.size();
    document_.containers.push_back(std::move(items));
    return value;
  }
  /// Before so many items are put into containers.
  void count(size_t more) {
    items_ += more;
    check_here(items_ <= max_items, "it builds more values than a state dict has");
  }
  std::vector<Value>& items(const Value& value) { return document_.containers[value.index]; }

  void extend(const std::vector<Value>& more, Kind wanted) {
    Value& target = top();
    if (target.kind == Kind::opaque) return;  // a set, or a dict with a default
    check_here(target.kind == wanted, "it adds to a value that is no ", wanted == Kind::dict ? "dict" : "list");
    check_here(wanted != Kind::dict || more.size() % 2 == 0, "a key without a value");
    count(more.size());
    std::vector<Value>& items = document_.containers[target.index];
    items.insert(items.end(), more.begin(), more.end());
  }

  void push_tuple(size_t count) {
    std::vector<Value> items(count);
    for (size_t i = count; i > 0; --i) items[i - 1] = take();
    push(container(Kind::tuple, std::move(items)));
  }

  // The memo. Picklers number its entries from 0 on.
  void remember(uint64_t index) {
    check_here(index <= memo_.size(), "memo entry ", index, " comes after ", memo_.size(), " entries");
    if (index == memo_.size()) memo_.push_back(top());
    else memo_[size_t(index)] = top();
  }
  void recall(uint64_t index) {
    check_here(index < memo_.size(), "it asks for memo entry ", index, " of ", memo_.size());
    push(memo_[size_t(index)]);
  }

  void push_global(std::string_view module, std::string_view name) {
    const std::string full = std::string(module) + "." + std::string(name);
    const auto known = globals().find(full);
    check_here(known != globals().end(), "it asks for the global ", quote(full),
               ", which is none of those that a state dict needs; nothing was executed");
    Value value(Kind::global, uint32_t(full.size()));
    value.start = known->first.data();
    push(value);
  }

  void call() {
    const Value arguments = take(), callee = take();
    check_here(arguments.kind == Kind::tuple, "the arguments of a call are no tuple");
    if (callee.kind == Kind::opaque) return push(Kind::opaque);
    check_here(callee.kind == Kind::global, "it calls a value that is no global");
    const std::vector<Value>& given = items(arguments);
    switch (globals().find(callee.text())->second) {
      case GlobalRole::dict: return push(ordered_dict(given));
      case GlobalRole::tensor: return push_described(Kind::tensor, arguments);
      case GlobalRole::tensor_v3: return push_described(Kind::tensor_v3, arguments);
      case GlobalRole::parameter:
        check_here(!given.empty() && (given[0].kind == Kind::tensor || given[0].kind == Kind::tensor_v3),
                   "a parameter is made of a value that is no tensor");
        return push(given[0]);
      case GlobalRole::size:
        check_here(given.size() == 1 && (given[0].kind == Kind::tuple || given[0].kind == Kind::list),
                   "a torch.Size is made of a value that is no tuple");
        return push(given[0]);
      case GlobalRole::opaque: return push(Kind::opaque);
      case GlobalRole::plain: break;
    }
    check_here(false, "it calls ", quote(callee.text()));
  }
  void push_described(Kind kind, Value arguments) {
    arguments.kind = kind;
    push(arguments);
  }
  /// OrderedDict() or OrderedDict([(key, value), ...]).
  Value ordered_dict(const std::vector<Value>& arguments) {
    std::vector<Value> content;
    if (!arguments.empty()) {
      const Value& pairs = arguments[0];
      check_here(arguments.size() == 1 && (pairs.kind == Kind::list || pairs.kind == Kind::tuple),
                 "an OrderedDict is made of a value that is no list");
      for (const Value& pair : items(pairs)) {
        const bool two = (pair.kind == Kind::list || pair.kind == Kind::tuple) && items(pair).size() == 2;
        check_here(two, "an OrderedDict is made of a list of values that are no pairs");
        for (const Value& value : items(pair)) content.push_back(value);
      }
    }
    return container(Kind::dict, std::move(content));
  }

  void step(uint8_t op);
  bool step_number(uint8_t op);
  bool step_text(uint8_t op);
  bool step_container(uint8_t op);
  bool step_object(uint8_t op);

  std::string_view bytes_;
  size_t at_ = 0, op_at_ = 0, items_ = 0;
  std::vector<Value> stack_, memo_;
  Document document_;
};

void Machine::step(uint8_t op) {
  if (step_number(op) || step_text(op) || step_container(op) || step_object(op)) return;
  switch (op) {
    case mark: return push(Kind::mark);
    case pop: check_here(!stack_.empty(), "it takes a value from an empty stack"); return stack_.pop_back();
    case pop_mark: (void)take_to_mark(); return;
    case dup: return push(top());
    case frame: (void)number(8); return;  // how much to read at once
    case binget: return recall(next());
    case long_binget: return recall(number(4));
    case binput: return remember(next());
    case long_binput: return remember(number(4));
    case memoize: return remember(memo_.size());
    default: check_here(false, "the operation ", int(op), " is none of those that torch.save writes");
  }
}

bool Machine::step_number(uint8_t op) {
  switch (op) {
    case none: return push(Kind::none), true;
    case newtrue:
    case newfalse: push(Kind::boolean), stack_.back().integer = op == newtrue; return true;
    case binint: return push_integer(static_cast<int32_t>(number(4))), true;
    case binint1: return push_integer(next()), true;
    case binint2: return push_integer(int64_t(number(2))), true;
    case long1: return push(whole(next())), true;
    case long4: return push(whole(number(4))), true;
    case binfloat: {  // big-endian
      uint64_t bits = 0;
      for (int i = 0; i < 8; ++i) bits = bits << 8 | next();
      push(Kind::real);
      stack_.back().real = std::bit_cast<double>(bits);
      return true;
    }
    default: return false;
  }
}

bool Machine::step_text(uint8_t op) {
  switch (op) {
    case short_binunicode:
    case short_binstring: return push(text(Kind::text, next())), true;
    case binunicode:
    case binstring: return push(text(Kind::text, number(4))), true;
    case binunicode8: return push(text(Kind::text, number(8))), true;
    case short_binbytes: return push(text(Kind::bytes, next())), true;
    case binbytes: return push(text(Kind::bytes, number(4))), true;
    case binbytes8: return push(text(Kind::bytes, number(8))), true;
    default: return false;
  }
}

bool Machine::step_container(uint8_t op) {
  switch (op) {
    case empty_tuple: return push_tuple(0), true;
    case tuple1: return push_tuple(1), true;
    case tuple2: return push_tuple(2), true;
    case tuple3: return push_tuple(3), true;
    case tuple: return push(container(Kind::tuple, take_to_mark())), true;
    case empty_list: return push(container(Kind::list, {})), true;
    case list: return push(container(Kind::list, take_to_mark())), true;
    case empty_dict: return push(container(Kind::dict, {})), true;
    case dict: {
      std::vector<Value> content = take_to_mark();
      check_here(content.size() % 2 == 0, "a key without a value");
      return push(container(Kind::dict, std::move(content))), true;
    }
    case append: {
      const Value item = take();
      return extend({item}, Kind::list), true;
    }
    case appends: {
      const std::vector<Value> more = take_to_mark();
      return extend(more, Kind::list), true;
    }
    case setitem: {
      const Value value = take(), key = take();
      return extend({key, value}, Kind::dict), true;
    }
    case setitems: {
      const std::vector<Value> more = take_to_mark();
      return extend(more, Kind::dict), true;
    }
    case empty_set: return push(Kind::opaque), true;
    case additems:
      (void)take_to_mark();
      check_here(top().kind == Kind::opaque, "it adds to a value that is no set");
      return true;
    case frozenset: (void)take_to_mark(), push(Kind::opaque); return true;
    default: return false;
  }
}

bool Machine::step_object(uint8_t op) {
  switch (op) {
    case global: {
      const std::string_view module = line(), name = line();
      return push_global(module, name), true;
    }
    case stack_global: {
      const Value name = take(), module = take();
      check_here(name.kind == Kind::text && module.kind == Kind::text, "the name of a global is no text");
      return push_global(module.text(), name.text()), true;
    }
    case reduce:
    case newobj: return call(), true;
    case build: {  // attributes: of a state dict its _metadata
      (void)take();
      const Kind kind = top().kind;
      check_here(kind == Kind::dict || kind == Kind::opaque || kind == Kind::tensor || kind == Kind::tensor_v3,
                 "it sets attributes of a value that has none");
      return true;
    }
    case binpersid: {
      Value id = take();
      check_here(id.kind == Kind::tuple, "a persistent id is no tuple");
      id.kind = Kind::persistent;
      return push(id), true;
    }
    default: return false;
  }
}

}  // namespace

Document read(std::string_view bytes) { return Machine(bytes).run(); }

}  // namespace ditharos::pickle
