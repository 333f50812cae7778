#include <ditharos/tensor/io/torch/pickle_globals.h>

namespace ditharos::pickle {
namespace {

struct KnownGlobal {
  const char* name;
  GlobalRole role;
};
constexpr KnownGlobal known_globals[] = {
    {"collections.OrderedDict", GlobalRole::dict},
    {"torch._utils._rebuild_tensor", GlobalRole::tensor},
    {"torch._utils._rebuild_tensor_v2", GlobalRole::tensor},
    {"torch._utils._rebuild_tensor_v3", GlobalRole::tensor_v3},
    {"torch._utils._rebuild_parameter", GlobalRole::parameter},
    {"torch._utils._rebuild_parameter_with_state", GlobalRole::parameter},
    {"torch.Size", GlobalRole::size},
    {"torch.storage.UntypedStorage", GlobalRole::plain},
    {"torch.UntypedStorage", GlobalRole::plain},
    {"argparse.Namespace", GlobalRole::opaque},
    {"torch.device", GlobalRole::opaque},
    {"collections.defaultdict", GlobalRole::opaque},
    {"pathlib.Path", GlobalRole::opaque},
    {"pathlib.PosixPath", GlobalRole::opaque},
    {"pathlib.PurePosixPath", GlobalRole::opaque},
    {"pathlib.WindowsPath", GlobalRole::opaque},
    {"pathlib.PureWindowsPath", GlobalRole::opaque},
    {"numpy.core.multiarray.scalar", GlobalRole::opaque},
    {"numpy._core.multiarray.scalar", GlobalRole::opaque},
    {"numpy.dtype", GlobalRole::opaque},
    {"_codecs.encode", GlobalRole::opaque},
};
/// "torch.FloatStorage" and so on.
constexpr const char* storage_types[] = {"Float",        "Double",        "Half",  "BFloat16", "Long",
                                         "Int",          "Short",         "Char",  "Byte",     "Bool",
                                         "ComplexFloat", "ComplexDouble", "QInt8", "QUInt8",   "QInt32"};
/// "torch.float32" and so on.
constexpr const char* element_types[] = {
    "float32",    "float64",       "float16",     "bfloat16",        "int64",           "int32",         "int16",
    "int8",       "uint8",         "uint16",      "uint32",          "uint64",          "bool",          "complex64",
    "complex128", "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu"};
/// In "builtins" or, as Python 2 called it, "__builtin__".
constexpr const char* builtin_types[] = {"set",   "frozenset", "dict", "list",    "tuple", "int",   "long",
                                         "float", "str",       "bool", "unicode", "bytes", "object"};

}  // namespace

const std::map<std::string, GlobalRole, std::less<>>& globals() {
  static const auto all = [] {
    std::map<std::string, GlobalRole, std::less<>> names;
    for (const KnownGlobal& one : known_globals) names.emplace(one.name, one.role);
    for (const std::string type : storage_types) names.emplace("torch." + type + "Storage", GlobalRole::plain);
    for (const std::string type : element_types) names.emplace("torch." + type, GlobalRole::plain);
    for (const std::string type : builtin_types)
      for (const std::string module : {"builtins.", "__builtin__."}) names.emplace(module + type, GlobalRole::opaque);
    return names;
  }();
  return all;
}

}  // namespace ditharos::pickle
