# Finds oneDNN (formerly DNNL), 2.x and 3.x: the target DNNL::dnnl, DNNL_VERSION, DNNL_INCLUDE_DIR and DNNL_LIBRARY.
#
# The package config that Debian 12 ships with oneDNN asks for OpenCL's headers and fails without them, although the CPU
# library needs none; hence this module, which looks for the header and the library alone. A hint: DNNL_ROOT.
find_path(DNNL_INCLUDE_DIR oneapi/dnnl/dnnl.hpp)
find_library(DNNL_LIBRARY NAMES dnnl)
mark_as_advanced(DNNL_INCLUDE_DIR DNNL_LIBRARY)

set(DNNL_VERSION "")
if(DNNL_INCLUDE_DIR AND EXISTS "${DNNL_INCLUDE_DIR}/oneapi/dnnl/dnnl_version.h")
  set(_dnnl_header "${DNNL_INCLUDE_DIR}/oneapi/dnnl/dnnl_version.h")
  set(_dnnl_numbers "")
  foreach(_dnnl_part MAJOR MINOR PATCH)
    file(STRINGS "${_dnnl_header}" _dnnl_line REGEX "^#define[ \t]+DNNL_VERSION_${_dnnl_part}[ \t]+[0-9]+")
    string(REGEX MATCH "[0-9]+$" _dnnl_number "${_dnnl_line}")
    list(APPEND _dnnl_numbers "${_dnnl_number}")
  endforeach()
  list(JOIN _dnnl_numbers "." DNNL_VERSION)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(DNNL REQUIRED_VARS DNNL_LIBRARY DNNL_INCLUDE_DIR VERSION_VAR DNNL_VERSION)

if(DNNL_FOUND AND NOT TARGET DNNL::dnnl)
  add_library(DNNL::dnnl UNKNOWN IMPORTED)
  set_target_properties(DNNL::dnnl PROPERTIES
    IMPORTED_LOCATION "${DNNL_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${DNNL_INCLUDE_DIR}")
endif()
