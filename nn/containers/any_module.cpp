#include <ditharos/nn/containers/any_module.h>

#include <cxxabi.h>
#include <cstdlib>

namespace ditharos::nn {

std::string class_name(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name(abi::__cxa_demangle(type.name(), nullptr, nullptr, &status),
                                                    std::free);
  return status == 0 ? name.get() : type.name();
}

void AnyModule::refuse(const std::type_info& wanted) const {
  const ModuleBase& held = module();
  fail("[AnyModule] the module is a ", class_name(typeid(held)), ", not a ", class_name(wanted));
}

}  // namespace ditharos::nn
