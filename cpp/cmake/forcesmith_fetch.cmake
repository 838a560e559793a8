# Source archives: downloaded once, checked by hash, kept in a cache of the user's.
#
# The cache, $XDG_CACHE_HOME/forcesmith or ~/.cache/forcesmith, only saves time: every archive
# taken from it is checked again, and it may be deleted at any time.
include_guard(GLOBAL)

# <variable> = folder for archives: the user's cache, or the build tree where there is none.
function(forcesmith_archive_cache variable)
  set(cache ${PROJECT_BINARY_DIR}/archives)
  if(DEFINED ENV{XDG_CACHE_HOME} AND NOT "$ENV{XDG_CACHE_HOME}" STREQUAL "")
    set(cache $ENV{XDG_CACHE_HOME}/forcesmith)
  elseif(DEFINED ENV{HOME} AND IS_DIRECTORY "$ENV{HOME}")
    set(cache $ENV{HOME}/.cache/forcesmith)
  endif()
  # file(MAKE_DIRECTORY) would stop the configuration on a read-only home.
  execute_process(COMMAND ${CMAKE_COMMAND} -E make_directory ${cache}
    RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
  if(NOT failed)
    execute_process(COMMAND ${CMAKE_COMMAND} -E touch ${cache}/.writable
      RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
  endif()
  if(failed)
    set(cache ${PROJECT_BINARY_DIR}/archives)
    file(MAKE_DIRECTORY ${cache})
  endif()
  set(${variable} ${cache} PARENT_SCOPE)
endfunction()

# <variable> = TRUE if <file> exists and has this SHA256.
function(forcesmith_has_hash variable file sha256)
  set(${variable} FALSE PARENT_SCOPE)
  if(EXISTS ${file})
    file(SHA256 ${file} found)
    if(found STREQUAL sha256)
      set(${variable} TRUE PARENT_SCOPE)
    endif()
  endif()
endfunction()

# <variable> = path of the archive at <url>, or empty: unreachable within seconds, or wrong hash.
function(forcesmith_download variable url sha256)
  set(${variable} "" PARENT_SCOPE)
  forcesmith_archive_cache(cache)
  cmake_path(GET url FILENAME name)
  set(archive ${cache}/${name})
  forcesmith_has_hash(good ${archive} ${sha256})
  if(NOT good)
    # Written elsewhere and renamed: two builds at once never see half an archive.
    string(RANDOM LENGTH 8 suffix)
    set(partial ${archive}.${suffix})
    file(DOWNLOAD ${url} ${partial} TIMEOUT 15 STATUS status)
    list(GET status 0 failed)
    forcesmith_has_hash(good ${partial} ${sha256})
    if(failed OR NOT good)
      list(GET status 1 reason)
      if(NOT failed)
        set(reason "its SHA256 is not the expected one")
      endif()
      message(STATUS "forcesmith: no ${name} from ${url} (${reason})")
      file(REMOVE ${partial})
      return()
    endif()
    file(RENAME ${partial} ${archive})
  endif()
  set(${variable} ${archive} PARENT_SCOPE)
endfunction()

# <variable> = path of the source archive <package>-<version>.tar.gz of the Python package index,
# fetched with the interpreter's pip, or empty.
function(forcesmith_download_sdist variable package version sha256)
  set(${variable} "" PARENT_SCOPE)
  forcesmith_archive_cache(cache)
  set(name ${package}-${version}.tar.gz)
  set(archive ${cache}/${name})
  forcesmith_has_hash(good ${archive} ${sha256})
  if(NOT good)
    if(NOT Python_Interpreter_FOUND)
      message(STATUS "forcesmith: no ${name}, for want of a Python interpreter with pip")
      return()
    endif()
    message(STATUS "forcesmith: fetching ${name} with pip")
    string(RANDOM LENGTH 8 suffix)
    set(partial ${cache}/${package}.${suffix})
    execute_process(
      COMMAND ${Python_EXECUTABLE} -m pip download --quiet --no-deps
        --no-binary ${package} --dest ${partial} ${package}==${version}
      RESULT_VARIABLE failed OUTPUT_VARIABLE output ERROR_VARIABLE output)
    forcesmith_has_hash(good ${partial}/${name} ${sha256})
    if(failed OR NOT good)
      if(NOT failed)
        set(output "its SHA256 is not the expected one")
      endif()
      message(STATUS "forcesmith: no ${name} from pip (${output})")
      file(REMOVE_RECURSE ${partial})
      return()
    endif()
    file(RENAME ${partial}/${name} ${archive})
    file(REMOVE_RECURSE ${partial})
  endif()
  set(${variable} ${archive} PARENT_SCOPE)
endfunction()

# Unpacks <archive> and puts its folder <subfolder> at <destination>, whole or not at all.
function(forcesmith_extract archive subfolder destination)
  if(EXISTS ${destination})
    return()
  endif()
  string(RANDOM LENGTH 8 suffix)
  set(partial ${destination}.${suffix})
  file(ARCHIVE_EXTRACT INPUT ${archive} DESTINATION ${partial} PATTERNS "${subfolder}/*")
  # Another build in this tree may have been first: then its copy is as good.
  file(RENAME ${partial}/${subfolder} ${destination} RESULT failed)
  if(failed AND NOT EXISTS ${destination})
    message(FATAL_ERROR "forcesmith: cannot unpack ${archive} to ${destination}: ${failed}")
  endif()
  file(REMOVE_RECURSE ${partial})
endfunction()
