# forcesmith_build_name: the version, and a hash of the sources as they are when CMake configures. A backend of devices
# (devices/device_backend.h) is a library of its own: by this name it is known to be of the same build as what opens it.
include_guard(GLOBAL)

file(GLOB_RECURSE sources LIST_DIRECTORIES OFF RELATIVE ${PROJECT_SOURCE_DIR}
  ${PROJECT_SOURCE_DIR}/cpp/*.hpp ${PROJECT_SOURCE_DIR}/cpp/*.cpp ${PROJECT_SOURCE_DIR}/cpp/*.h
  ${PROJECT_SOURCE_DIR}/cuda/*.cpp)
set(hashes "")
foreach(source IN LISTS sources)
  file(SHA256 ${PROJECT_SOURCE_DIR}/${source} hash)
  string(APPEND hashes "${source} ${hash}\n")
endforeach()
string(SHA256 hash "${hashes}")
string(SUBSTRING ${hash} 0 12 hash)
set(forcesmith_build_name ${PROJECT_VERSION}+${hash})
