#pragma once
// Internal to tensor/io/.
// The globals of Python that a pickle may name. None of them is called: each is data, or says how data are described.
//
//   understood  collections.OrderedDict, torch._utils._rebuild_tensor, _rebuild_tensor_v2, _rebuild_tensor_v3,
//               _rebuild_parameter and _rebuild_parameter_with_state, torch.FloatStorage and the like,
//               torch.storage.UntypedStorage, torch.float32 and the like, torch.Size
//   opaque      their arguments and attributes are read and dropped: argparse.Namespace, torch.device,
//               collections.defaultdict, the types of Python's builtins (set, frozenset, dict, list, tuple, int, long,
//               float, str, bool, unicode, bytes, object), pathlib's paths, and numpy's scalars
//               (numpy.core.multiarray.scalar, numpy.dtype, _codecs.encode)
#include <functional>
#include <map>
#include <string>

namespace ditharos::pickle {

/// What calling a global makes.
enum class GlobalRole {
  dict,
  tensor,     ///< as _rebuild_tensor_v2 describes it
  tensor_v3,  ///< as _rebuild_tensor_v3
  parameter,  ///< its first argument
  size,       ///< its one argument, a tuple
  plain,      ///< not called: an element type
  opaque,
};

/// All that are known, by "module.name". The names live as long as the program.
[[nodiscard]] const std::map<std::string, GlobalRole, std::less<>>& globals();

}  // namespace ditharos::pickle
