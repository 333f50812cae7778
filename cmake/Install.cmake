# What `cmake --install` installs: headers and libraries of the components that are built, a package configuration for
# find_package(ditharos [COMPONENTS core models training]), and a file for pkg-config. The programs are the component Tools.
include(CMakePackageConfigHelpers)
set(DITHAROS_CONFIG_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/ditharos")

foreach(component IN LISTS DITHAROS_COMPONENTS)
  install(TARGETS ditharos_${component} EXPORT ditharos_${component}
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT Runtime NAMELINK_COMPONENT Development
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT Development)
  install(EXPORT ditharos_${component} NAMESPACE ditharos:: DESTINATION "${DITHAROS_CONFIG_DIR}" COMPONENT Development)
  ditharos_files_of(${component} h headers)
  # Headers that include those of a dependency serve the library alone.
  list(FILTER headers EXCLUDE REGEX "kernels/onednn/|kernels/linalg/lapack\\.h|codecs/(jpeg|png)_calls\\.h")
  foreach(header IN LISTS headers)
    get_filename_component(folder "${header}" DIRECTORY)
    install(FILES "${header}" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/ditharos/${folder}" COMPONENT Development)
  endforeach()
endforeach()
install(FILES include/ditharos/ditharos.h DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/ditharos" COMPONENT Development)

configure_package_config_file(cmake/ditharosConfig.cmake.in "${CMAKE_CURRENT_BINARY_DIR}/ditharosConfig.cmake"
  INSTALL_DESTINATION "${DITHAROS_CONFIG_DIR}")
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/ditharosConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES
  "${CMAKE_CURRENT_BINARY_DIR}/ditharosConfig.cmake" "${CMAKE_CURRENT_BINARY_DIR}/ditharosConfigVersion.cmake"
  cmake/FindDNNL.cmake cmake/FindLAPACKE.cmake cmake/FindLibZip.cmake cmake/FindUtf8proc.cmake cmake/FindWebP.cmake
  DESTINATION "${DITHAROS_CONFIG_DIR}" COMPONENT Development)

# The tutorials, a project of its own. Debian's packages keep examples beside the documentation.
install(DIRECTORY examples/tutorials DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/ditharos/examples" COMPONENT Development)

# --- pkg-config ---
# The flags that link a library with `file` or the files of a list: -lNAME where the linker looks for it anyway.
function(ditharos_link_flags result)
  set(flags "")
  foreach(file IN LISTS ARGN)
    get_filename_component(folder "${file}" DIRECTORY)
    if(file MATCHES "/lib([^/]+)\\.(so|a)$" AND folder IN_LIST CMAKE_CXX_IMPLICIT_LINK_DIRECTORIES)
      list(APPEND flags "-l${CMAKE_MATCH_1}")
    else()
      list(APPEND flags "${file}")
    endif()
  endforeach()
  list(JOIN flags " " flags)
  set(${result} "${flags}" PARENT_SCOPE)
endfunction()

set(files "")
if("training" IN_LIST DITHAROS_COMPONENTS)
  list(APPEND files ${PNG_PNG_LIBRARY_RELEASE} ${JPEG_LIBRARY_RELEASE} ${GIF_LIBRARY} ${WebP_webpmux_LIBRARY}
    ${WebP_webpdemux_LIBRARY} ${WebP_webp_LIBRARY} ${Utf8proc_LIBRARY} ${LibArchive_LIBRARY} ${ZLIB_LIBRARY_RELEASE})
  if(DITHAROS_HAS_MPI)
    list(APPEND files ${MPI_CXX_LIBRARIES})
  endif()
endif()
list(APPEND files ${LibZip_LIBRARY})
if(DITHAROS_HAS_ONEDNN)
  list(APPEND files ${DNNL_LIBRARY})
endif()
if(DITHAROS_HAS_LAPACK)
  list(APPEND files ${LAPACKE_LIBRARY})
endif()
ditharos_link_flags(DITHAROS_PRIVATE_LINK_FLAGS ${files})
string(APPEND DITHAROS_PRIVATE_LINK_FLAGS " -pthread")
if(DITHAROS_HAS_OPENMP)
  string(APPEND DITHAROS_PRIVATE_LINK_FLAGS " ${OpenMP_CXX_FLAGS}")
endif()
set(DITHAROS_LINK_FLAGS "")
foreach(component IN LISTS DITHAROS_COMPONENTS)
  string(PREPEND DITHAROS_LINK_FLAGS " -lditharos_${component}")  # who calls comes before who is called
endforeach()
if(NOT BUILD_SHARED_LIBS)  # the static libraries are linked together with what they were built on
  string(APPEND DITHAROS_LINK_FLAGS " ${DITHAROS_PRIVATE_LINK_FLAGS}")
  set(DITHAROS_PRIVATE_LINK_FLAGS "")
endif()
# Relative to the file, so that the prefix may be chosen at installation.
file(RELATIVE_PATH DITHAROS_PC_PREFIX "${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
configure_file(cmake/ditharos.pc.in "${CMAKE_CURRENT_BINARY_DIR}/ditharos.pc" @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/ditharos.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig"
  COMPONENT Development)

# --- programs ---
# In a folder of programs of all kinds their names would say too little, so there they are ditharos-report and so on.
if(DITHAROS_BUILD_EXAMPLES)
  set(tools train_dit sample_dit evaluate train_autoencoder train_video sample_video evaluate_video export_video
    prepare_data report checkpoint zoo)
  set_target_properties(${tools} PROPERTIES INSTALL_RPATH "$ORIGIN/..")
  install(TARGETS ${tools} RUNTIME DESTINATION "${CMAKE_INSTALL_LIBDIR}/ditharos" COMPONENT Tools)
  foreach(tool IN LISTS tools)
    install(CODE "
      set(folder \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}\")
      file(MAKE_DIRECTORY \"\${folder}\")
      file(CREATE_LINK ../${CMAKE_INSTALL_LIBDIR}/ditharos/${tool} \"\${folder}/ditharos-${tool}\" SYMBOLIC)"
      COMPONENT Tools)
  endforeach()
  install(DIRECTORY examples/configs DESTINATION "${CMAKE_INSTALL_DATADIR}/ditharos" COMPONENT Tools)
endif()

include(Package)
