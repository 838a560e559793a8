# Installs forcesmith::core for other C++ programs: find_package(forcesmith), see examples/embed_core.
#
#   cmake --install <build> --prefix <prefix> --component forcesmith_core
#
# gives the library, its headers, the CMake package, and Kokkos and nlohmann_json where they were built or fetched here.
# Wheels are without all of this.
include_guard(GLOBAL)
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(in_component COMPONENT forcesmith_core)
if(SKBUILD)
  list(APPEND in_component EXCLUDE_FROM_ALL)
endif()
set(headers ${CMAKE_INSTALL_INCLUDEDIR}/forcesmith)

set_target_properties(forcesmith_core PROPERTIES EXPORT_NAME core)
install(TARGETS forcesmith_core EXPORT forcesmith
  DESTINATION ${CMAKE_INSTALL_LIBDIR} ${in_component}
  INCLUDES DESTINATION ${headers})
install(DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/ DESTINATION ${headers} ${in_component}
  FILES_MATCHING PATTERN "*.hpp" PATTERN cmake EXCLUDE)

# What it needs: installed along where it is part of this build, else found again by users.
set(further_dependencies "")
if(forcesmith_kokkos_build)
  # Its own rules are of no component.
  install(CODE "block()
    set(CMAKE_INSTALL_COMPONENT Unspecified)
    include(\"${forcesmith_kokkos_build}/cmake_install.cmake\")
  endblock()" ${in_component})
endif()
if(TARGET forcesmith_nlohmann_json)
  set_target_properties(forcesmith_nlohmann_json PROPERTIES EXPORT_NAME nlohmann_json)
  install(TARGETS forcesmith_nlohmann_json EXPORT forcesmith INCLUDES DESTINATION ${headers})
  install(DIRECTORY ${PROJECT_BINARY_DIR}/nlohmann_json/nlohmann DESTINATION ${headers} ${in_component})
else()
  string(APPEND further_dependencies "find_dependency(nlohmann_json 3.10 CONFIG)\n")
endif()
if(ZLIB_FOUND)
  string(APPEND further_dependencies "find_dependency(ZLIB)\n")
endif()

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/forcesmith)
install(EXPORT forcesmith NAMESPACE forcesmith:: FILE forcesmith-targets.cmake DESTINATION ${package} ${in_component})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/forcesmith-config.cmake.in forcesmith-config.cmake
  INSTALL_DESTINATION ${package})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/forcesmith-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/forcesmith-config.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/forcesmith-config-version.cmake DESTINATION ${package} ${in_component})
