# What shortens the build: standard headers that are compiled once a target, and sources that are compiled together.

# What most sources include; none of our headers, so that an edited one does not rebuild everything.
set(DITHAROS_PRECOMPILED_HEADERS <algorithm> <array> <charconv> <cmath> <cstdint> <cstring> <filesystem> <fstream>
  <functional> <limits> <map> <memory> <mutex> <optional> <random> <set> <sstream> <string> <string_view>
  <unordered_map> <utility> <variant> <vector>)

# ditharos_shorten_compile(TARGET [REUSE_FROM TARGET] [HEADER...]): precompiles the headers above and further ones for the
# sources of a target, or takes those of another target with the same compile options; and with DITHAROS_UNITY_BUILD
# compiles up to 16 sources of a folder together. A new file changes the batches of its folder alone. Sources with
# compile options of their own fit neither; CMake compiles them alone.
function(ditharos_shorten_compile target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "REUSE_FROM" "")
  if(arg_REUSE_FROM)
    target_precompile_headers(${target} REUSE_FROM ${arg_REUSE_FROM})
  else()
    target_precompile_headers(${target} PRIVATE ${DITHAROS_PRECOMPILED_HEADERS} ${arg_UNPARSED_ARGUMENTS})
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${DITHAROS_UNITY_BUILD} UNITY_BUILD_MODE GROUP)
  if(DITHAROS_UNITY_BUILD)
    # GCC takes an included source for a header, whose types had better not be in an unnamed namespace.
    target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
  endif()

  get_target_property(sources ${target} SOURCES)
  list(FILTER sources EXCLUDE REGEX "^\\$<")
  set(folders "")
  foreach(source IN LISTS sources)
    get_source_file_property(options "${source}" COMPILE_OPTIONS)
    if(options)
      set_source_files_properties("${source}" PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
      continue()
    endif()
    get_filename_component(folder "${source}" DIRECTORY)
    file(RELATIVE_PATH folder "${PROJECT_SOURCE_DIR}" "${folder}")
    string(REPLACE "/" "_" folder "${folder}")
    list(APPEND folders ${folder})
    list(APPEND sources_of_${folder} "${source}")
  endforeach()
  list(REMOVE_DUPLICATES folders)
  foreach(folder IN LISTS folders)
    list(LENGTH sources_of_${folder} count)
    math(EXPR batches "(${count} + 15) / 16")
    set(i 0)
    foreach(source IN LISTS sources_of_${folder})
      math(EXPR batch "${i} * ${batches} / ${count}")
      set_source_files_properties("${source}" PROPERTIES UNITY_GROUP ${folder}_${batch})
      math(EXPR i "${i} + 1")
    endforeach()
  endforeach()
endfunction()
