# libmlos.so, the C API for applications: cmake --install puts it, its header and its pkg-config file
# where other programs look.
include(GNUInstallDirs)

file(STRINGS src/capi/mlos.h MLOS_VERSION_LINES REGEX "^#define MLOS_VERSION_")
string(REGEX REPLACE "[^0-9;]" "" MLOS_VERSION_NUMBERS "${MLOS_VERSION_LINES}")
list(JOIN MLOS_VERSION_NUMBERS "." MLOS_C_VERSION)
list(GET MLOS_VERSION_NUMBERS 0 MLOS_C_SOVERSION)

# Objects, because the linker would leave out of a static library what nothing in it calls.
add_library(mlos_capi OBJECT ${MLOS_CAPI_SOURCES})
target_link_libraries(mlos_capi PUBLIC mlos_core)

add_library(mlos_c SHARED $<TARGET_OBJECTS:mlos_capi>)
set(MLOS_C_MAP "${CMAKE_CURRENT_SOURCE_DIR}/src/capi/libmlos.map")
set_target_properties(mlos_c PROPERTIES
  OUTPUT_NAME mlos VERSION ${MLOS_C_VERSION} SOVERSION ${MLOS_C_SOVERSION}
  PUBLIC_HEADER src/capi/mlos.h LINK_DEPENDS "${MLOS_C_MAP}")
target_link_libraries(mlos_c PRIVATE mlos_core)
target_link_options(mlos_c PRIVATE
  -Wl,--version-script=${MLOS_C_MAP} -Wl,-z,relro,-z,now)

set(prefix "${CMAKE_INSTALL_PREFIX}")
set(libdir "${CMAKE_INSTALL_FULL_LIBDIR}")
set(includedir "${CMAKE_INSTALL_FULL_INCLUDEDIR}")
set(version "${MLOS_C_VERSION}")
configure_file(src/capi/mlos.pc.in mlos.pc @ONLY)
install(TARGETS mlos_c
  LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  PUBLIC_HEADER DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/mlos.pc"
  DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
