#include <ditharos/tensor/io/numpy_file.h>

#include <algorithm>
#include <array>
#include <bit>
#include <functional>
#include <utility>

#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/io/numpy/npy_header.h>
#include <ditharos/tensor/io/quoted_text.h>
#include <ditharos/tensor/io/torch/zip_archive.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/view.h>

namespace ditharos {
namespace {

static_assert(std::endian::native == std::endian::little, "arrays are little-endian, and so must the machine be");

constexpr std::string_view ending = ".npy";

/// The bytes of one array.
struct Source {
  uint64_t size = 0;
  std::function<void(void* to, uint64_t n)> read;  ///< exactly the next n bytes
};

/// IoError unless `bytes` are exactly the elements that the header describes.
void check_size(const NpyHeader& header, uint64_t bytes) {
  // An axis of size 0 leaves no elements, but the other sizes must not overflow either.
  const uint64_t element = size_of(header.dtype), most = std::max(bytes / element, uint64_t{1} << 32);
  uint64_t slots = 1;
  bool empty = false;
  for (const int64_t size : header.shape) {
    empty = empty || size == 0;
    const auto factor = static_cast<uint64_t>(std::max<int64_t>(size, 1));
    check<IoError>(slots <= most / factor, "its header announces sizes ", header.shape, ", more than its ", bytes,
                   " bytes can hold");
    slots *= factor;
  }
  const uint64_t wanted = empty ? 0 : slots * element;
  check<IoError>(wanted == bytes, "its header announces sizes ", header.shape, " of ", header.dtype, ", ", wanted,
                 " bytes, but ", bytes, " bytes follow");
}

/// The elements in the order of the file, in memory of this machine's byte order.
void read_elements(const Source& source, const NpyHeader& header, const Tensor& x) {
  if (x.numel() == 0) return;
  visit_dtype(header.dtype, [&](auto zero) {
    using T = decltype(zero);
    T* to = x.mutable_data<T>();
    const uint64_t n = static_cast<uint64_t>(x.numel()) * sizeof(T);
    source.read(to, n);
    auto* bytes = reinterpret_cast<unsigned char*>(to);
    if (header.big_endian)
      for (uint64_t i = 0; i < n; i += sizeof(T)) std::reverse(bytes + i, bytes + i + sizeof(T));
    if constexpr (std::is_same_v<T, bool>) {
      // Any other byte in a bool would be undefined behaviour wherever it is read.
      for (uint64_t i = 0; i < n; ++i)
        check<IoError>(bytes[i] <= 1, "its element ", i, " is of type bool, but the byte ", int(bytes[i]));
    }
  });
}

Tensor read_array(const Source& source) {
  std::array<char, max_npy_prefix> start{};
  const uint64_t short_prefix = std::min<uint64_t>(source.size, 10);  // of version 1
  source.read(start.data(), short_prefix);
  uint64_t have = short_prefix;
  if (have == 10 && start[6] != '\1' && source.size >= max_npy_prefix) {
    source.read(start.data() + have, max_npy_prefix - have);
    have = max_npy_prefix;
  }
  const NpyPrefix prefix = parse_npy_prefix({start.data(), size_t(have)});
  const uint64_t left = source.size - prefix.prefix_size;
  check<IoError>(prefix.text_size <= left, "it ends after ", left, " of the ", prefix.text_size,
                 " bytes of its header");
  std::string text(size_t(prefix.text_size), '\0');
  source.read(text.data(), text.size());
  const NpyHeader header = parse_npy_header(text);
  check_size(header, left - prefix.text_size);

  Shape stored = header.shape;
  if (header.fortran_order) std::reverse(stored.begin(), stored.end());
  Tensor x(stored, header.dtype);
  read_elements(source, header, x);
  if (!header.fortran_order || x.rank() < 2) return x;
  Axes order;
  for (int axis = x.rank(); axis > 0; --axis) order.push_back(axis - 1);
  return kernels::contiguous(views::permute(x, order));
}

/// The entries of an .npz by the name of the array.
std::map<std::string, std::string> arrays_in(const ZipArchive& archive) {
  std::map<std::string, std::string> arrays;
  for (const std::string& entry : archive.names()) {
    if (!entry.ends_with(ending) || entry.size() == ending.size()) continue;
    arrays.emplace(entry.substr(0, entry.size() - ending.size()), entry);
  }
  check<IoError>(!arrays.empty(), "it is a zip archive without arrays (entries NAME.npy)");
  return arrays;
}

Tensor read_entry(const ZipArchive& archive, const std::string& name) {
  const ZipArchive::Entry& entry = *archive.find(name);
  ZipArchive::Stream stream = archive.open(name, entry);
  const Tensor x = read_array({entry.size, [&](void* to, uint64_t n) { stream.read(to, n); }});
  stream.expect_end();
  return x;
}

/// Runs f with the archive at `path`; an IoError gets the path.
template <class F>
auto with_archive(const std::string& path, uint64_t max_expanded, const F& f) {
  const InputFile file(path);
  try {
    check<IoError>(file.size() > 0, "it is empty");
    return f(ZipArchive(file, max_expanded));
  } catch (const IoError& e) {
    fail<IoError>("cannot read ", path, ": ", e.what());
  }
}

}  // namespace

Tensor load_npy(const std::string& path) {
  const InputFile file(path);
  uint64_t at = 0;
  try {
    return read_array({file.size(), [&](void* to, uint64_t n) {
                         file.read(at, to, size_t(n));
                         at += n;
                       }});
  } catch (const IoError& e) {
    const std::string reason = e.what();
    check<IoError>(!reason.starts_with("cannot read "), reason);  // the file's own failures name it already
    fail<IoError>("cannot read ", path, ": ", reason);
  }
}

void save_npy(const std::string& path, const Tensor& x) {
  const std::string header = npy_header_bytes(x.dtype(), x.shape());
  const Tensor elements = kernels::contiguous(x);
  AtomicFile file(path);
  file.write(header.data(), header.size());
  visit_dtype(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    if (x.numel() > 0) file.write(elements.data<T>(), static_cast<size_t>(x.numel()) * sizeof(T));
  });
  file.commit();
}

std::vector<std::string> npz_names(const std::string& path) {
  return with_archive(path, default_max_npz, [](const ZipArchive& archive) {
    std::vector<std::string> names;
    for (const auto& [name, entry] : arrays_in(archive)) names.push_back(name);
    return names;
  });
}

std::map<std::string, Tensor> load_npz(const std::string& path, const std::vector<std::string>& names,
                                       uint64_t max_expanded) {
  return with_archive(path, max_expanded, [&](const ZipArchive& archive) {
    const std::map<std::string, std::string> arrays = arrays_in(archive);
    std::map<std::string, Tensor> result;
    const auto read = [&](const std::string& name, const std::string& entry) {
      try {
        result[name] = read_entry(archive, entry);
      } catch (const IoError& e) {
        fail<IoError>("array ", quote(name), ": ", e.what());
      }
    };
    for (const std::string& name : names) {
      const auto found = arrays.find(name);
      check<IoError>(found != arrays.end(), "it has no array ", quote(name));
      read(name, found->second);
    }
    if (names.empty())
      for (const auto& [name, entry] : arrays) read(name, entry);
    return result;
  });
}

}  // namespace ditharos
