# forcesmith_sanitize(<target>): address and undefined-behaviour sanitizers for one target,
# when FORCESMITH_SANITIZE is on. Any finding ends the program, so that a test fails.
include_guard(GLOBAL)

function(forcesmith_sanitize target)
  if(NOT FORCESMITH_SANITIZE)
    return()
  endif()
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
    message(FATAL_ERROR "FORCESMITH_SANITIZE needs gcc or clang, found ${CMAKE_CXX_COMPILER_ID}; "
      "choose one with -DCMAKE_CXX_COMPILER=g++, or switch the option off.")
  endif()
  target_compile_options(${target} PRIVATE
    -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  # A static library hands the run-time libraries on to whatever links it.
  target_link_options(${target} PUBLIC -fsanitize=address,undefined)
endfunction()
