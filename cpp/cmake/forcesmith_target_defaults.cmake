# forcesmith_target_defaults(<target>): what every target of ours has.
#
# C++20, position-independent code, hidden visibility, warnings, and the sanitizers when
# FORCESMITH_SANITIZE is on. No global compile flag is touched.
include_guard(GLOBAL)
include(${CMAKE_CURRENT_LIST_DIR}/forcesmith_sanitize.cmake)

function(forcesmith_target_defaults target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES
    CXX_EXTENSIONS OFF
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON
    POSITION_INDEPENDENT_CODE ON)
  if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
    target_compile_options(${target} PRIVATE -Wall -Wextra)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # gcc 12 warns of overlapping copies in `"text" + std::string`, which there are none of.
    target_compile_options(${target} PRIVATE -Wno-restrict)
  endif()
  forcesmith_sanitize(${target})
endfunction()
