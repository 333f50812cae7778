# Finds libwebp and the two libraries beside it for animations: the targets WebP::webp, WebP::webpmux and
# WebP::webpdemux. Debian's packages come without a CMake package of their own. A hint: WebP_ROOT.
find_path(WebP_INCLUDE_DIR webp/mux.h)
set(_webp_variables WebP_INCLUDE_DIR)
foreach(_webp_name webp webpmux webpdemux)
  find_library(WebP_${_webp_name}_LIBRARY NAMES ${_webp_name})
  list(APPEND _webp_variables WebP_${_webp_name}_LIBRARY)
endforeach()
mark_as_advanced(${_webp_variables})

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(WebP REQUIRED_VARS ${_webp_variables})

if(WebP_FOUND)
  foreach(_webp_name webp webpmux webpdemux)
    if(NOT TARGET WebP::${_webp_name})
      add_library(WebP::${_webp_name} UNKNOWN IMPORTED)
      set_target_properties(WebP::${_webp_name} PROPERTIES
        IMPORTED_LOCATION "${WebP_${_webp_name}_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${WebP_INCLUDE_DIR}")
      # Where the libraries are static, libwebp has to come after the two that call it.
      if(NOT _webp_name STREQUAL "webp")
        set_property(TARGET WebP::${_webp_name} PROPERTY INTERFACE_LINK_LIBRARIES WebP::webp)
      endif()
    endif()
  endforeach()
endif()
