# forcesmith_add_cuda_check(<target> <source>...): building <target> compiles each source with nvcc
# for sm_90, against the Kokkos of this build with its CUDA backend switched on. The work is done
# at build time by forcesmith_cuda_check.cmake, so that configuring costs nothing; where no nvcc is
# found that can compile Kokkos, the target says so and succeeds.
#
# FORCESMITH_NVCC names the nvcc to use; without it, one on the PATH, or of the Python package index.
include_guard(GLOBAL)

set(FORCESMITH_NVCC "" CACHE FILEPATH "nvcc for the CUDA compile check (empty: look for one)")

function(forcesmith_add_cuda_check target)
  set(sources "")
  foreach(source IN LISTS ARGN)
    cmake_path(ABSOLUTE_PATH source NORMALIZE)
    list(APPEND sources ${source})
  endforeach()
  # A response file, because lists do not survive a command line.
  set(settings ${CMAKE_CURRENT_BINARY_DIR}/${target}.cmake)
  file(GENERATE OUTPUT ${settings} CONTENT "\
set(sources \"${sources}\")
set(own_includes \"$<TARGET_PROPERTY:forcesmith_core,INCLUDE_DIRECTORIES>\")
set(kokkos_includes \"$<TARGET_PROPERTY:Kokkos::kokkos,INTERFACE_INCLUDE_DIRECTORIES>\")
set(implicit_includes \"${CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES}\")
set(nvcc \"${FORCESMITH_NVCC}\")
set(python \"${Python_EXECUTABLE}\")
set(host_compiler \"${CMAKE_CXX_COMPILER}\")
set(work \"${CMAKE_CURRENT_BINARY_DIR}/${target}\")
")
  add_custom_target(${target} ALL
    COMMAND ${CMAKE_COMMAND} -Dsettings=${settings}
      -P ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/forcesmith_cuda_check.cmake
    COMMENT "Compiling the kernels for CUDA (sm_90)"
    USES_TERMINAL VERBATIM)
endfunction()
