# The C++ client for other CMake projects: cmake --install BUILD --component development, then find_package(augstore) and
# augstore::client. Left out of an install without a component, which is for those who run augstore.
include(CMakePackageConfigHelpers)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/augstore)
set(development COMPONENT development EXCLUDE_FROM_ALL)

foreach(folder client schemas)
  set_target_properties(augstore_${folder} PROPERTIES EXPORT_NAME ${folder})
  add_library(augstore::${folder} ALIAS augstore_${folder})  # the same name with add_subdirectory
endforeach()
install(TARGETS augstore_client augstore_schemas EXPORT augstore ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} ${development})
install(EXPORT augstore NAMESPACE augstore:: FILE augstoreTargets.cmake DESTINATION ${package} ${development})

configure_package_config_file(cmake/augstoreConfig.cmake.in ${PROJECT_BINARY_DIR}/augstoreConfig.cmake INSTALL_DESTINATION ${package})
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/augstoreConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/augstoreConfig.cmake ${PROJECT_BINARY_DIR}/augstoreConfigVersion.cmake cmake/plain_libraries.cmake
        DESTINATION ${package} ${development})
install(CODE "set(augstore_source \"${PROJECT_SOURCE_DIR}\")
set(augstore_destination \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_INCLUDEDIR}/augstore\")" ${development})
install(SCRIPT cmake/install_headers.cmake ${development})
