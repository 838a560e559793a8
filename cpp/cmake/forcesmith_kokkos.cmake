# Kokkos (>= 4.5), what `forcesmith_kokkos` names: a target that is there already, or find_package(Kokkos), or built from
# source.
#
# Kokkos from source becomes part of our own build: Serial and OpenMP, static,
# position-independent, hidden. Wheels have nothing of it; forcesmith_install.cmake installs it
# beside the library, from forcesmith_kokkos_build.
#
# With FORCESMITH_HOST_KOKKOS it is that of the program which loads what is built here: its headers, and nothing that
# links it.
include_guard(GLOBAL)
include(${CMAKE_CURRENT_LIST_DIR}/forcesmith_kokkos_source.cmake)

set(FORCESMITH_HOST_KOKKOS "" CACHE PATH
  "Folder of the KokkosConfig.cmake of the program that loads what is built, whose Kokkos is used and not linked")
mark_as_advanced(FORCESMITH_HOST_KOKKOS)

# Adds Kokkos from source. A function, so that the settings end with it.
function(forcesmith_add_kokkos)
  forcesmith_kokkos_source(source)
  set(CMAKE_CXX_STANDARD 20)
  set(CMAKE_CXX_EXTENSIONS OFF)
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
  set(CMAKE_CXX_VISIBILITY_PRESET hidden)
  set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
  set(BUILD_SHARED_LIBS OFF)
  set(Kokkos_ENABLE_SERIAL ON CACHE BOOL "")
  set(Kokkos_ENABLE_OPENMP ON CACHE BOOL "")
  set(Kokkos_ENABLE_DEPRECATED_CODE_4 OFF CACHE BOOL "")   # what Kokkos 5 no longer has
  set(Kokkos_ENABLE_TESTS OFF CACHE BOOL "")
  set(CMAKE_MESSAGE_LOG_LEVEL WARNING)
  add_subdirectory(${source} ${PROJECT_BINARY_DIR}/kokkos EXCLUDE_FROM_ALL SYSTEM)
endfunction()

set(forcesmith_kokkos Kokkos::kokkos)
set(forcesmith_kokkos_build "")
if(FORCESMITH_HOST_KOKKOS)
  if(CMAKE_CXX_COMPILER MATCHES "nvcc")
    message(FATAL_ERROR "forcesmith: the kernels for CPUs cannot be compiled by ${CMAKE_CXX_COMPILER}. Give an ordinary "
      "compiler with -DCMAKE_CXX_COMPILER=g++; Kokkos calls its own where it is needed.")
  endif()
  find_package(Kokkos 4.5 CONFIG REQUIRED NO_DEFAULT_PATH PATHS ${FORCESMITH_HOST_KOKKOS})
  add_library(forcesmith_host_kokkos INTERFACE)
  target_include_directories(forcesmith_host_kokkos SYSTEM
    INTERFACE $<TARGET_PROPERTY:Kokkos::kokkos,INTERFACE_INCLUDE_DIRECTORIES>)
  set(forcesmith_kokkos forcesmith_host_kokkos)
elseif(NOT TARGET Kokkos::kokkos AND NOT FORCESMITH_KOKKOS_SOURCE)
  find_package(Kokkos 4.5 CONFIG QUIET)
endif()
if(TARGET Kokkos::kokkos)
  message(STATUS "forcesmith: Kokkos ${Kokkos_VERSION} from ${Kokkos_DIR}")
else()
  forcesmith_add_kokkos()
  file(STRINGS ${PROJECT_BINARY_DIR}/kokkos/KokkosConfigVersion.cmake kokkos_version
    REGEX "set\\(PACKAGE_VERSION " LIMIT_COUNT 1)
  string(REGEX MATCH "[0-9]+\\.[0-9]+\\.[0-9]+" Kokkos_VERSION "${kokkos_version}")
  set(forcesmith_kokkos_build ${PROJECT_BINARY_DIR}/kokkos)
  message(STATUS "forcesmith: Kokkos ${Kokkos_VERSION} built from source")
endif()

# Adds sources that include Kokkos to <target>. They alone are compiled with the options of FORCESMITH_HOST_KOKKOS and,
# where that has a compiler of its own as for CUDA, by it.
function(forcesmith_add_kokkos_sources target)
  if(NOT FORCESMITH_HOST_KOKKOS)
    target_sources(${target} PRIVATE ${ARGN})
    return()
  endif()
  set(objects ${target}_on_kokkos)
  add_library(${objects} OBJECT ${ARGN})
  forcesmith_target_defaults(${objects})
  target_link_libraries(${objects} PRIVATE Kokkos::kokkos nlohmann_json::nlohmann_json)
  foreach(property COMPILE_DEFINITIONS COMPILE_OPTIONS INCLUDE_DIRECTORIES)
    set_property(TARGET ${objects} APPEND PROPERTY ${property} $<TARGET_PROPERTY:${target},${property}>)
  endforeach()
  target_sources(${target} PRIVATE $<TARGET_OBJECTS:${objects}>)
endfunction()
