#include <ditharos/tensor/io/torch/tensor_records.h>

#include <algorithm>
#include <string_view>

#include <ditharos/tensor/checked.h>
#include <ditharos/tensor/io/quoted_text.h>

namespace ditharos {
namespace {

using pickle::Kind;
using pickle::Value;

constexpr struct {
  std::string_view storage, element;
  DType dtype;
} dtype_names[] = {
    {"torch.FloatStorage", "torch.float32", DType::f32},      {"torch.DoubleStorage", "torch.float64", DType::f64},
    {"torch.BFloat16Storage", "torch.bfloat16", DType::bf16}, {"torch.HalfStorage", "torch.float16", DType::f16},
    {"torch.LongStorage", "torch.int64", DType::i64},         {"torch.IntStorage", "torch.int32", DType::i32},
    {"torch.ByteStorage", "torch.uint8", DType::u8},          {"torch.BoolStorage", "torch.bool", DType::boolean}};

template <class... Parts>
void check_tensor(bool ok, const std::string& name, const Parts&... parts) {
  check<IoError>(ok, "tensor ", quote(name), ": ", parts...);
}

DType dtype_named(const std::string& name, std::string_view global) {
  for (const auto& known : dtype_names)
    if (global == known.storage || global == known.element) return known.dtype;
  check_tensor(!global.starts_with("torch.float8"), name, "its dtype ", std::string(global),
               ", an 8-bit float, cannot be read; convert the file to torch.bfloat16 or torch.float32");
  fail<IoError>("tensor ", quote(name), ": its dtype, ", std::string(global),
                ", cannot be read; f32, f64, bf16, f16, i64, i32, u8 and bool can");
}

int64_t size_in(const std::string& name, const Value& value, const char* what) {
  check_tensor(value.kind == Kind::integer && value.integer >= 0 && value.integer <= max_size, name, what,
               " is no whole number from 0 to 2^62");
  return value.integer;
}

}  // namespace

const TensorRecords::Record& TensorRecords::record(const std::string& name, const std::string& key, uint64_t elements,
                                                   DType dtype) {
  const auto known = records_.find(key);
  if (known != records_.end()) {
    const Record& record = known->second;
    check_tensor(record.dtype == dtype && record.storage->bytes() == elements * size_of(dtype), name, "its storage ",
                 quote(key), " is also used with another dtype or size");
    return record;
  }
  const std::string entry_name = prefix_ + key;
  const ZipArchive::Entry* entry = archive_.find(entry_name);
  check_tensor(entry != nullptr, name, "there is no record ", quote(entry_name), " of its storage");
  check_tensor(elements <= entry->size / size_of(dtype) && entry->size == elements * size_of(dtype), name,
               "its storage of ", elements, " elements of ", dtype, " is a record of ", entry->size, " bytes");
  std::shared_ptr<Storage> storage = this->storage(entry_name, *entry, dtype);
  if (dtype == DType::boolean) {
    // Any other byte in a bool would be undefined behaviour wherever it is read.
    const auto* bytes = static_cast<const unsigned char*>(storage->data());
    const auto* bad = std::find_if(bytes, bytes + storage->bytes(), [](unsigned char byte) { return byte > 1; });
    check_tensor(bad == bytes + storage->bytes(), name, "it is of dtype bool, but its storage holds the byte ",
                 bad == bytes + storage->bytes() ? 0 : int(*bad));
  }
  return records_.emplace(key, Record{std::move(storage), dtype}).first->second;
}

std::shared_ptr<Storage> TensorRecords::storage(const std::string& entry_name, const ZipArchive::Entry& entry,
                                                DType dtype) const {
  // torch.save aligns its records to 64 bytes; those of other writers may stand anywhere.
  // A bool that is neither 0 nor 1 would be undefined behaviour, and a mapped file may change.
  if (mapped_ && dtype != DType::boolean)
    if (const auto offset = archive_.offset_of(entry_name, entry); offset && *offset % size_of(dtype) == 0)
      return std::make_shared<Storage>(mapped_.get() + *offset, size_t(entry.size), mapped_);
  auto copy = std::make_shared<Storage>(size_t(entry.size));
  if (entry.size > 0) archive_.read(entry_name, entry, copy->data());
  return copy;
}

// _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward_hooks, metadata); of the older
// _rebuild_tensor the first four, of _v3 the dtype before the metadata.
Tensor TensorRecords::read(const std::string& name, const Value& value) {
  const std::vector<Value>& arguments = document_.items(value);
  const bool v3 = value.kind == Kind::tensor_v3;
  check_tensor(arguments.size() >= (v3 ? 7 : 4) && arguments.size() <= (v3 ? 8 : 7), name, "it is described by ",
               arguments.size(), " values");
  check_tensor(arguments[0].kind == Kind::persistent, name, "it has no storage");
  // ("storage", type, key, location, number of elements)
  const std::vector<Value>& id = document_.items(arguments[0]);
  const bool sound = id.size() == 5 && id[0].kind == Kind::text && id[0].text() == "storage" &&
                     id[1].kind == Kind::global && id[2].kind == Kind::text;
  check_tensor(sound, name, "its storage is not described as torch.save does");
  const bool untyped = id[1].text().ends_with(".UntypedStorage");
  check_tensor(!v3 || arguments[6].kind == Kind::global, name, "it has no dtype");
  check_tensor(v3 || !untyped, name, "its storage has no dtype");
  const DType dtype = dtype_named(name, v3 ? arguments[6].text() : id[1].text());
  if (!untyped)
    check_tensor(dtype_named(name, id[1].text()) == dtype, name, "it and its storage have different dtypes");
  const size_t last = arguments.size() - 1;
  check_tensor(last != (v3 ? 7 : 6) || arguments[last].kind != Kind::dict || document_.items(arguments[last]).empty(),
               name, "it is a conjugate or negative view; save a copy of it (resolve_neg())");

  int64_t elements = size_in(name, id[4], "the size of its storage");
  if (untyped) elements /= int64_t(size_of(dtype));
  const int64_t offset = size_in(name, arguments[1], "its offset");
  const bool lists = (arguments[2].kind == Kind::tuple || arguments[2].kind == Kind::list) &&
                     (arguments[3].kind == Kind::tuple || arguments[3].kind == Kind::list);
  check_tensor(lists, name, "it has no shape or no strides");
  const std::vector<Value>&sizes = document_.items(arguments[2]), &steps = document_.items(arguments[3]);
  check_tensor(sizes.size() == steps.size() && sizes.size() <= size_t(Shape::max_rank), name, "it has ", sizes.size(),
               " dimensions and ", steps.size(), " strides; at most ", Shape::max_rank, " are possible");
  Shape shape;
  Strides strides;
  int64_t last_element = offset, count = 1;
  try {
    for (size_t i = 0; i < sizes.size(); ++i) {
      shape.push_back(size_in(name, sizes[i], "a size"));
      strides.push_back(size_in(name, steps[i], "a stride"));
    }
    count = numel(shape);
    for (int i = 0; i < shape.rank() && count > 0; ++i)
      last_element = checked_sum("stride", {last_element, checked_product("stride", {shape[i] - 1, strides[i]})});
  } catch (const ShapeError& e) {
    check_tensor(false, name, e.what());
  }
  check_tensor(count <= elements && (count == 0 || last_element < elements), name, "its shape ", shape,
               " with strides ", strides, " from element ", offset, " on does not lie in its storage of ", elements,
               " elements");
  const Record& found = record(name, std::string(id[2].text()), uint64_t(elements), dtype);
  if (count == 0) return Tensor(shape, dtype);
  return Tensor(found.storage, shape, strides, offset, dtype);
}

}  // namespace ditharos
