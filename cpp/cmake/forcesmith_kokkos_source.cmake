# Source of Kokkos (>= 4.5), by the first of these that works:
#
#   1. the source tree FORCESMITH_KOKKOS_SOURCE, where one is given;
#   2. the official release archive FORCESMITH_KOKKOS_URL;
#   3. the source archive of the Python package pygenten, which carries Kokkos 4.7.0.
include_guard(GLOBAL)
include(${CMAKE_CURRENT_LIST_DIR}/forcesmith_fetch.cmake)

set(FORCESMITH_KOKKOS_SOURCE "" CACHE PATH "Source tree of Kokkos (>= 4.5) to build")
# This SHA256 was taken from the recipe of the Spack package manager, not from a download of ours.
set(FORCESMITH_KOKKOS_URL
  https://github.com/kokkos/kokkos/releases/download/4.7.02/kokkos-4.7.02.tar.gz CACHE STRING
  "Release archive of Kokkos; its folder is named as the archive")
set(FORCESMITH_KOKKOS_SHA256 a81826ac0a167933d13506bc2a986fb5517038df9abb780fe9bb2c1d4e80803b
  CACHE STRING "SHA256 of that archive")
mark_as_advanced(FORCESMITH_KOKKOS_URL FORCESMITH_KOKKOS_SHA256)

# <variable> = a source tree of Kokkos, fetched if need be; an error with the remedies if none.
function(forcesmith_kokkos_source variable)
  set(source ${PROJECT_BINARY_DIR}/kokkos-source)
  if(FORCESMITH_KOKKOS_SOURCE)
    set(source ${FORCESMITH_KOKKOS_SOURCE})
  elseif(NOT EXISTS ${source})
    forcesmith_download(archive ${FORCESMITH_KOKKOS_URL} ${FORCESMITH_KOKKOS_SHA256})
    if(archive)
      cmake_path(GET archive FILENAME folder)
      string(REGEX REPLACE "\\.tar\\..*$" "" folder ${folder})
      forcesmith_extract(${archive} ${folder} ${source})
    else()
      forcesmith_download_sdist(archive pygenten 0.1.5
        e620f05c742905e2db705d875f1cac92ef0ed453f9e6734e9beda26cc0f9cce7)
      if(archive)
        forcesmith_extract(${archive} pygenten-0.1.5/tpls/kokkos ${source})
      endif()
    endif()
  endif()
  if(NOT EXISTS ${source}/CMakeLists.txt)
    message(FATAL_ERROR "forcesmith: Kokkos (>= 4.5) was not found as a CMake package, and no "
      "source of it could be had from '${source}', ${FORCESMITH_KOKKOS_URL} or the Python package "
      "index. Install Kokkos and give -DKokkos_ROOT=<prefix>, or unpack its source and give "
      "-DFORCESMITH_KOKKOS_SOURCE=<folder>, or choose a Python interpreter whose pip reaches an "
      "index with -DPython_EXECUTABLE=... (found: '${Python_EXECUTABLE}').")
  endif()
  set(${variable} ${source} PARENT_SCOPE)
endfunction()
