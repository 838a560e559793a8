# forcesmith_add_cuda_library(<target>): builds libforcesmith_cuda.so, the project of cuda/, within the build of
# <target>, and installs it beside the Python module.
#
# It is a project of its own because it has a Kokkos and a compiler of its own: Kokkos for CUDA, from the source that
# this build takes Kokkos from, or would take it from, and nvcc around this build's compiler. No GPU and no driver is
# needed to build it.
include_guard(GLOBAL)
include(${CMAKE_CURRENT_LIST_DIR}/forcesmith_kokkos.cmake)

set(FORCESMITH_NVCC "" CACHE FILEPATH
  "nvcc for the CUDA library (empty: of the PATH, CUDA_HOME or /usr/local/cuda, else of the Python package index)")
set(FORCESMITH_CUDA_ARCHITECTURE HOPPER90 CACHE STRING
  "The GPUs that the CUDA library is for, as Kokkos_ARCH_<this> names them: AMPERE80, ADA89, HOPPER90, BLACKWELL100")
set(forcesmith_oldest_nvcc 12.2)
set(forcesmith_cuda_of_package_index 13.0)

# <variable> = folder of the CUDA toolkit that an nvcc belongs to, or empty: it does not run or is too old.
function(forcesmith_cuda_toolkit_of variable nvcc)
  set(${variable} "" PARENT_SCOPE)
  execute_process(COMMAND ${nvcc} --version OUTPUT_VARIABLE version ERROR_QUIET)
  if(NOT version MATCHES "release [0-9.]+, V([0-9.]+)")
    message(STATUS "forcesmith: ${nvcc} does not tell its version")
  elseif(CMAKE_MATCH_1 VERSION_LESS forcesmith_oldest_nvcc)
    message(STATUS "forcesmith: ${nvcc} is too old: ${CMAKE_MATCH_1} < ${forcesmith_oldest_nvcc}")
  else()
    # It may be a link or a script that calls another one; that knows where it is.
    execute_process(COMMAND ${nvcc} -v no_such_file.cu OUTPUT_VARIABLE said ERROR_VARIABLE said)
    if(said MATCHES "#\\$ TOP=([^\r\n]+)")
      cmake_path(NORMAL_PATH CMAKE_MATCH_1 OUTPUT_VARIABLE toolkit)
      set(${variable} ${toolkit} PARENT_SCOPE)
    endif()
  endif()
endfunction()

# <variable> = folder of CUDA from the Python package index, fetched if need be, or empty.
function(forcesmith_fetch_cuda_toolkit variable)
  set(${variable} "" PARENT_SCOPE)
  set(folder ${PROJECT_BINARY_DIR}/cuda-${forcesmith_cuda_of_package_index})
  if(NOT EXISTS ${folder})
    message(STATUS "forcesmith: fetching CUDA ${forcesmith_cuda_of_package_index} with pip")
    set(packages nvidia-cuda-nvcc nvidia-cuda-crt nvidia-nvvm nvidia-cuda-runtime nvidia-cuda-cccl)
    list(TRANSFORM packages APPEND "==${forcesmith_cuda_of_package_index}.*")
    file(REMOVE_RECURSE ${folder}.partial)
    execute_process(
      COMMAND ${Python_EXECUTABLE} -m pip install --quiet --no-deps --target ${folder}.partial ${packages}
      RESULT_VARIABLE failed ERROR_VARIABLE said)
    if(failed)
      message(STATUS "forcesmith: pip: ${said}")
      return()
    endif()
    file(RENAME ${folder}.partial ${folder})
  endif()
  file(GLOB nvcc ${folder}/nvidia/*/bin/nvcc)
  forcesmith_cuda_toolkit_of(toolkit ${nvcc})
  set(${variable} ${toolkit} PARENT_SCOPE)
endfunction()

# <variable> = folder of the CUDA toolkit; an error with the remedies if there is none.
function(forcesmith_cuda_toolkit variable)
  set(toolkit "")
  if(FORCESMITH_NVCC)
    forcesmith_cuda_toolkit_of(toolkit ${FORCESMITH_NVCC})
  else()
    find_program(nvcc_of_machine nvcc
      PATHS $ENV{CUDA_HOME}/bin $ENV{CUDA_PATH}/bin /usr/local/cuda/bin NO_CACHE)
    if(nvcc_of_machine)
      forcesmith_cuda_toolkit_of(toolkit ${nvcc_of_machine})
    endif()
    if(NOT toolkit)
      forcesmith_fetch_cuda_toolkit(toolkit)
    endif()
  endif()
  if(NOT toolkit)
    message(FATAL_ERROR "forcesmith: no nvcc (>= ${forcesmith_oldest_nvcc}) was found for the CUDA library. Name one "
      "with -DFORCESMITH_NVCC=<path of nvcc>, or build without: -DFORCESMITH_CUDA=OFF.")
  endif()
  set(${variable} ${toolkit} PARENT_SCOPE)
endfunction()

# Writes <wrapper>: Kokkos' compiler wrapper, around the nvcc of <toolkit> and this build's compiler, whatever the
# environment says. Its own default architecture is one that newer CUDA no longer has.
function(forcesmith_write_nvcc_wrapper wrapper kokkos_source toolkit)
  file(READ ${kokkos_source}/bin/nvcc_wrapper text)
  string(REGEX MATCH "[0-9]+$" capability ${FORCESMITH_CUDA_ARCHITECTURE})
  string(REGEX REPLACE "\ndefault_arch=[^\n]*" "\ndefault_arch=sm_${capability}" text "${text}")
  string(REGEX REPLACE "\nhost_compiler=[^\n]*" "\nhost_compiler='${CMAKE_CXX_COMPILER}'" text "${text}")
  string(REGEX REPLACE "\nnvcc_compiler=[^\n]*" "\nCUDA_ROOT='${toolkit}'" text "${text}")
  file(CONFIGURE OUTPUT ${wrapper} CONTENT "${text}" @ONLY)
  file(CHMOD ${wrapper} PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
endfunction()

function(forcesmith_add_cuda_library target)
  include(ExternalProject)
  forcesmith_kokkos_source(kokkos_source)
  forcesmith_cuda_toolkit(toolkit)
  message(STATUS "forcesmith: CUDA library for ${FORCESMITH_CUDA_ARCHITECTURE}, CUDA in ${toolkit}")
  set(build ${PROJECT_BINARY_DIR}/cuda)
  forcesmith_write_nvcc_wrapper(${build}/bin/nvcc_wrapper ${kokkos_source} ${toolkit})
  # Without a driver there is no libcuda to link with. One that has a single symbol that cuda_device.cpp uses makes the
  # library ask for libcuda.so.1, where it finds the others.
  file(CONFIGURE OUTPUT ${build}/libcuda.c CONTENT "int cuDriverGetVersion(int* version) { return 0; }\n")
  execute_process(COMMAND ${CMAKE_CXX_COMPILER} -shared -fPIC -nostdlib -Wl,-soname,libcuda.so.1 -x c ${build}/libcuda.c
    -o ${build}/libcuda.so COMMAND_ERROR_IS_FATAL ANY)
  file(STRINGS ${kokkos_source}/CMakeLists.txt kokkos_version REGEX "set\\(Kokkos_VERSION_(MAJOR|MINOR|PATCH) ")
  string(REGEX MATCHALL "[0-9]+" kokkos_version "${kokkos_version}")
  list(JOIN kokkos_version . kokkos_version)
  set(flags "")
  if(kokkos_version VERSION_LESS 4.7.1)
    set(flags "-include ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/forcesmith_cuda13.hpp")
  endif()
  find_library(cudart cudart_static PATHS ${toolkit} PATH_SUFFIXES lib64 lib targets/x86_64-linux/lib
    NO_DEFAULT_PATH NO_CACHE REQUIRED)

  set(library ${build}/libforcesmith_cuda.so)
  ExternalProject_Add(${target}
    SOURCE_DIR ${PROJECT_SOURCE_DIR}/cuda
    BINARY_DIR ${build}
    PREFIX ${build}/steps
    CMAKE_ARGS
      -DCMAKE_BUILD_TYPE=Release
      -DCMAKE_CXX_COMPILER=${build}/bin/nvcc_wrapper
      "-DCMAKE_CXX_FLAGS=${flags}"
      -DCUDAToolkit_ROOT=${toolkit}
      -DCUDA_cuda_driver_LIBRARY=${build}/libcuda.so
      -DCUDA_cudart_LIBRARY=${cudart}  # linked statically
      -DFORCESMITH_KOKKOS_SOURCE=${kokkos_source}
      -DKokkos_ENABLE_CUDA=ON
      -DKokkos_ENABLE_CUDA_CONSTEXPR=ON
      -DKokkos_ENABLE_OPENMP=OFF
      -DKokkos_ARCH_${FORCESMITH_CUDA_ARCHITECTURE}=ON
      -DFORCESMITH_BUILD_NAME=${forcesmith_build_name}
      -DFORCESMITH_CORE=$<TARGET_FILE:forcesmith_core>
      -DFORCESMITH_JSON=$<TARGET_PROPERTY:nlohmann_json::nlohmann_json,INTERFACE_INCLUDE_DIRECTORIES>
    DEPENDS forcesmith_core
    BUILD_ALWAYS ON
    BUILD_BYPRODUCTS ${library}
    INSTALL_COMMAND ""
    USES_TERMINAL_CONFIGURE ON
    USES_TERMINAL_BUILD ON)
  install(PROGRAMS ${library} DESTINATION ${FORCESMITH_PACKAGE_DIR})
endfunction()
