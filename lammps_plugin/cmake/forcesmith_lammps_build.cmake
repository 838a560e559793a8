# What the plugin needs to know of the LAMMPS that was built in FORCESMITH_LAMMPS_BUILD: sources, MPI, integer sizes and,
# where it has the package KOKKOS, the Kokkos that it was built with (FORCESMITH_HOST_KOKKOS).
include_guard(GLOBAL)

if(NOT EXISTS ${FORCESMITH_LAMMPS_BUILD}/CMakeCache.txt)
  message(FATAL_ERROR "forcesmith: FORCESMITH_LAMMPS_BUILD=${FORCESMITH_LAMMPS_BUILD} is not a folder in which LAMMPS was "
    "built with CMake, it has no CMakeCache.txt. For one built with make give FORCESMITH_LAMMPS_SOURCE instead; "
    "pair_style forcesmith/kk needs CMake's.")
endif()
load_cache(${FORCESMITH_LAMMPS_BUILD} READ_WITH_PREFIX lammps_build_
  lammps_SOURCE_DIR LAMMPS_SIZES BUILD_MPI MPI_CXX_HEADER_DIR PKG_PLUGIN PKG_KOKKOS Kokkos_DIR KOKKOS_PREC)
if(NOT lammps_build_lammps_SOURCE_DIR OR NOT lammps_build_PKG_PLUGIN)
  message(FATAL_ERROR "forcesmith: LAMMPS in ${FORCESMITH_LAMMPS_BUILD} was built without its package PLUGIN. Build it "
    "with -DPKG_PLUGIN=ON, and -DPKG_KOKKOS=ON for pair_style forcesmith/kk.")
endif()

cmake_path(GET lammps_build_lammps_SOURCE_DIR PARENT_PATH FORCESMITH_LAMMPS_SOURCE)  # of cmake/
string(TOUPPER ${lammps_build_LAMMPS_SIZES} FORCESMITH_LAMMPS_SIZES)
if(NOT FORCESMITH_MPI_INCLUDE_DIR)
  set(FORCESMITH_MPI_INCLUDE_DIR ${lammps_build_MPI_CXX_HEADER_DIR})
  if(NOT lammps_build_BUILD_MPI)
    set(FORCESMITH_MPI_INCLUDE_DIR ${FORCESMITH_LAMMPS_SOURCE}/src/STUBS)
  endif()
endif()

if(lammps_build_PKG_KOKKOS)
  if(lammps_build_KOKKOS_PREC AND NOT lammps_build_KOKKOS_PREC STREQUAL "DOUBLE")
    message(FATAL_ERROR "forcesmith: KOKKOS of LAMMPS in ${FORCESMITH_LAMMPS_BUILD} computes in "
      "${lammps_build_KOKKOS_PREC} precision. Build it with -DKOKKOS_PREC=double; pair_style forcesmith/kk has single "
      "precision of its own.")
  endif()
  # Where the programs of Kokkos are that call its compiler, if its sources are LAMMPS' own.
  list(APPEND CMAKE_PROGRAM_PATH ${FORCESMITH_LAMMPS_SOURCE}/lib/kokkos/bin)
  # Of a Kokkos from elsewhere, from LAMMPS' own sources, or downloaded by its build.
  foreach(folder ${lammps_build_Kokkos_DIR} ${FORCESMITH_LAMMPS_BUILD}/lib/kokkos
      ${FORCESMITH_LAMMPS_BUILD}/kokkos_build-prefix/lib/cmake/Kokkos)
    if(NOT FORCESMITH_HOST_KOKKOS AND EXISTS ${folder}/KokkosConfig.cmake)
      set(FORCESMITH_HOST_KOKKOS ${folder})
    endif()
  endforeach()
  if(NOT FORCESMITH_HOST_KOKKOS)
    message(FATAL_ERROR "forcesmith: no Kokkos found that LAMMPS in ${FORCESMITH_LAMMPS_BUILD} was built with. Build it "
      "first, or give the folder of its KokkosConfig.cmake with -DFORCESMITH_HOST_KOKKOS=...")
  endif()
endif()
