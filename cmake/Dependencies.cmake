# Finds what ditharos stands on. A missing piece stops the configuration with one sentence that names its apt package.

# A header-only library: an imported target `ditharos_NAME` that carries its include directory.
function(ditharos_find_header NAME HEADER PACKAGE)
  find_path(DITHAROS_${NAME}_INCLUDE_DIR "${HEADER}")
  mark_as_advanced(DITHAROS_${NAME}_INCLUDE_DIR)
  if(NOT DITHAROS_${NAME}_INCLUDE_DIR)
    message(FATAL_ERROR "${NAME} is missing (no <${HEADER}>). On Debian and Ubuntu: apt-get install ${PACKAGE}")
  endif()
  add_library(ditharos_${NAME} INTERFACE IMPORTED GLOBAL)
  target_include_directories(ditharos_${NAME} SYSTEM INTERFACE "${DITHAROS_${NAME}_INCLUDE_DIR}")
endfunction()

# A library that CMake has a find module for.
macro(ditharos_find_library NAME PACKAGE)
  find_package(${NAME} QUIET ${ARGN})
  if(NOT ${NAME}_FOUND)
    message(FATAL_ERROR "${NAME} is missing. On Debian and Ubuntu: apt-get install ${PACKAGE}")
  endif()
endmacro()

set(THREADS_PREFER_PTHREAD_FLAG ON)
ditharos_find_library(Threads g++)
ditharos_find_library(OpenMP g++ COMPONENTS CXX)
ditharos_find_library(ZLIB zlib1g-dev)
ditharos_find_library(PNG libpng-dev)
ditharos_find_library(JPEG libjpeg-dev)
ditharos_find_library(GIF libgif-dev)
ditharos_find_library(WebP libwebp-dev)
ditharos_find_library(Utf8proc libutf8proc-dev)
ditharos_find_library(LibZip libzip-dev)
ditharos_find_library(LibArchive libarchive-dev)
ditharos_find_header(cereal cereal/cereal.hpp libcereal-dev)
ditharos_find_header(nlohmann_json nlohmann/json.hpp nlohmann-json3-dev)
ditharos_find_header(protozero protozero/pbf_writer.hpp libprotozero-dev)
ditharos_find_header(tomlplusplus toml++/toml.h libtomlplusplus-dev)
if(DITHAROS_BUILD_EXAMPLES OR DITHAROS_BUILD_TESTS)
  ditharos_find_header(cli11 CLI/CLI.hpp libcli11-dev)
endif()
if(DITHAROS_BUILD_TESTS)
  ditharos_find_header(doctest doctest/doctest.h doctest-dev)
endif()

# An optional component: DITHAROS_HAS_NAME says whether DITHAROS_WITH_NAME wants it and find_package(ARGN) found PACKAGE.
macro(ditharos_find_component NAME TITLE WITHOUT APT PACKAGE)
  set(DITHAROS_HAS_${NAME} OFF)
  if(DITHAROS_WITH_${NAME})
    find_package(${ARGN})
    set(DITHAROS_HAS_${NAME} ${${PACKAGE}_FOUND})
    if(${PACKAGE}_FOUND)
      string(STRIP "${TITLE} ${${PACKAGE}_VERSION}" found)
      message(STATUS "Found ${found}")
    else()
      message(STATUS "${TITLE} is missing: ${WITHOUT}. On Debian and Ubuntu: apt-get install ${APT}")
    endif()
  else()
    message(STATUS "${TITLE} is switched off (DITHAROS_WITH_${NAME}): ${WITHOUT}")
  endif()
endmacro()

ditharos_find_component(ONEDNN oneDNN "the native kernels serve alone, slower" libdnnl-dev DNNL
  DNNL QUIET)
# The C interface alone: MPI's own C++ one is deprecated, and its headers warn.
set(MPI_CXX_SKIP_MPICXX ON)
ditharos_find_component(MPI MPI "training on one process alone" "libopenmpi-dev openmpi-bin" MPI_CXX
  MPI QUIET COMPONENTS CXX)
ditharos_find_component(LAPACK LAPACK "linear systems and factorisations throw" liblapacke-dev LAPACKE
  LAPACKE QUIET)
