# Every include of ours reads <ditharos/FOLDER/file.h>, in the repository as after installation. In the repository the
# folders have no common parent of that name, so the build directory gets one made of symbolic links.
set(DITHAROS_LIBRARY_FOLDERS tensor autograd nn models optim data)
set(DITHAROS_INCLUDE_DIR "${CMAKE_CURRENT_BINARY_DIR}/include")
file(MAKE_DIRECTORY "${DITHAROS_INCLUDE_DIR}/ditharos")
foreach(entry IN LISTS DITHAROS_LIBRARY_FOLDERS ITEMS examples tests ditharos.h)
  file(CREATE_LINK "${CMAKE_CURRENT_SOURCE_DIR}/${entry}" "${DITHAROS_INCLUDE_DIR}/ditharos/${entry}" SYMBOLIC)
endforeach()
