# Script of forcesmith_add_cuda_check: finds an nvcc that compiles Kokkos, then compiles ours.
#
# Fails only if a source of ours does not compile with an nvcc that compiles Kokkos.
cmake_minimum_required(VERSION 3.25)
# sources own_includes kokkos_includes implicit_includes nvcc python host_compiler work
include(${settings})
set(arch sm_90)
set(CUDA_OF_PACKAGE_INDEX 13.0)
file(MAKE_DIRECTORY ${work})

# ---- headers: the configuration of this build's Kokkos, with CUDA for Hopper added ----

list(REMOVE_DUPLICATES kokkos_includes)
set(overlay ${work}/kokkos)

# <content> = text of the header of Kokkos that is included as <header>.
function(read_kokkos_header content header)
  find_file(path ${header} PATHS ${kokkos_includes} NO_CACHE NO_DEFAULT_PATH REQUIRED)
  file(READ ${path} text)
  set(${content} "${text}" PARENT_SCOPE)
endfunction()

# Switches on the given macros of a header of definitions.
function(define_in_kokkos_header header)
  read_kokkos_header(text ${header})
  foreach(macro IN LISTS ARGN)
    string(REPLACE "/* #undef ${macro} */" "#define ${macro}" text "${text}")
  endforeach()
  file(CONFIGURE OUTPUT ${overlay}/${header} CONTENT "${text}" @ONLY)
endfunction()

# Adds an #include line to a header that lists the backends.
function(include_in_kokkos_header header backend_header)
  read_kokkos_header(text ${header})
  string(REGEX MATCHALL "#include <[^>]*>" includes "${text}")
  list(PREPEND includes "#include <${backend_header}>")
  list(JOIN includes "\n" text)
  file(CONFIGURE OUTPUT ${overlay}/${header} CONTENT "#pragma once\n${text}\n" @ONLY)
endfunction()

read_kokkos_header(kokkos_config KokkosCore_config.h)
if(NOT kokkos_config MATCHES "#define KOKKOS_ENABLE_CUDA\n")
  define_in_kokkos_header(KokkosCore_config.h
    KOKKOS_ENABLE_CUDA KOKKOS_ARCH_HOPPER KOKKOS_ARCH_HOPPER90)
  define_in_kokkos_header(desul/atomics/Config.hpp DESUL_ATOMICS_ENABLE_CUDA)
  include_in_kokkos_header(KokkosCore_Config_DeclareBackend.hpp decl/Kokkos_Declare_CUDA.hpp)
  include_in_kokkos_header(KokkosCore_Config_FwdBackend.hpp fwd/Kokkos_Fwd_CUDA.hpp)
  include_in_kokkos_header(KokkosCore_Config_SetupBackend.hpp setup/Kokkos_Setup_Cuda.hpp)
  list(PREPEND kokkos_includes ${overlay})
endif()

list(REMOVE_ITEM own_includes ${kokkos_includes})
# named explicitly, a folder that the compiler searches anyway would come too early
list(REMOVE_ITEM own_includes ${implicit_includes})
list(REMOVE_ITEM kokkos_includes ${implicit_includes})
list(TRANSFORM own_includes PREPEND -I)
list(TRANSFORM kokkos_includes PREPEND -isystem=)

# <result> = 0 if <compiler> makes an object file of <source>; <output> = what it said.
function(compile_for_cuda compiler source result output)
  cmake_path(GET source STEM name)
  execute_process(
    COMMAND ${compiler} -ccbin ${host_compiler} -x cu -arch=${arch} -std=c++20
      --expt-extended-lambda --expt-relaxed-constexpr -Xcompiler=-fopenmp,-fPIC
      -include ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/forcesmith_cuda13.hpp
      ${own_includes} ${kokkos_includes} -c ${source} -o ${work}/${name}.o
    RESULT_VARIABLE failed OUTPUT_VARIABLE said ERROR_VARIABLE said)
  set(${result} "${failed}" PARENT_SCOPE)
  set(${output} "${said}" PARENT_SCOPE)
endfunction()

# ---- an nvcc that compiles Kokkos ----

# A kernel of the least kind; an nvcc that compiles it fits this Kokkos and this host compiler.
file(CONFIGURE OUTPUT ${work}/probe.cpp @ONLY CONTENT [[
#include <Kokkos_Core.hpp>
void probe(Kokkos::View<double*, Kokkos::Cuda> x) {
  Kokkos::parallel_for(Kokkos::RangePolicy<Kokkos::Cuda>(0, x.extent(0)),
                       KOKKOS_LAMBDA(int i) { x(i) = 2.0 * i; });
}
]])

# Sets working_nvcc to <candidate> if it compiles the probe, else tells why not.
macro(try_nvcc candidate)
  compile_for_cuda(${candidate} ${work}/probe.cpp failed said)
  if(failed)
    string(REGEX MATCH "[^\n]*(error|fatal)[^\n]*" reason "${said}")
    message("-- ${candidate} does not compile Kokkos: ${reason}")
  else()
    set(working_nvcc ${candidate})
  endif()
endmacro()

set(working_nvcc "")
if(nvcc)
  try_nvcc(${nvcc})
else()
  find_program(nvcc_of_machine nvcc
    PATHS $ENV{CUDA_HOME}/bin $ENV{CUDA_PATH}/bin /usr/local/cuda/bin NO_CACHE)
  if(nvcc_of_machine)
    try_nvcc(${nvcc_of_machine})
  endif()
  if(NOT working_nvcc AND python)
    set(toolkit ${work}/cuda-${CUDA_OF_PACKAGE_INDEX})
    if(NOT EXISTS ${toolkit})
      message("-- Fetching CUDA ${CUDA_OF_PACKAGE_INDEX} with pip")
      set(packages nvidia-cuda-nvcc nvidia-cuda-crt nvidia-nvvm nvidia-cuda-runtime nvidia-cuda-cccl)
      list(TRANSFORM packages APPEND "==${CUDA_OF_PACKAGE_INDEX}.*")
      file(REMOVE_RECURSE ${toolkit}.partial)
      execute_process(
        COMMAND ${python} -m pip install --quiet --no-deps --target ${toolkit}.partial ${packages}
        RESULT_VARIABLE failed ERROR_VARIABLE said)
      if(failed)
        message("-- pip: ${said}")
      else()
        file(RENAME ${toolkit}.partial ${toolkit})
      endif()
    endif()
    file(GLOB nvcc_of_package_index ${toolkit}/nvidia/*/bin/nvcc)
    if(nvcc_of_package_index)
      try_nvcc(${nvcc_of_package_index})
    endif()
  endif()
endif()

if(NOT working_nvcc)
  message("\
********************************************************************************
SKIPPED: the kernels were NOT compiled for CUDA. No nvcc was found that compiles
the Kokkos of this build. Name one with -DFORCESMITH_NVCC=<path of nvcc>, or a
newer Kokkos with -DKokkos_ROOT=<prefix> or -DFORCESMITH_KOKKOS_SOURCE=<folder>.
********************************************************************************")
  return()
endif()

# ---- our own sources ----

execute_process(COMMAND ${working_nvcc} --version OUTPUT_VARIABLE version)
string(REGEX MATCH "V[0-9.]+" version "${version}")
list(LENGTH sources n_sources)
message("-- nvcc ${version}: ${n_sources} source(s) for ${arch}")
set(n_failed 0)
foreach(source IN LISTS sources)
  message("-- ${source}")
  compile_for_cuda(${working_nvcc} ${source} failed said)
  if(said)
    message("${said}")
  endif()
  if(failed)
    math(EXPR n_failed "${n_failed} + 1")
  endif()
endforeach()
if(n_failed)
  message(FATAL_ERROR "${n_failed} of ${n_sources} source(s) do not compile for CUDA.")
endif()
