# Libraries that ship no CMake files in Debian 12, as targets: augstore::xxhash and augstore::deflate. The build includes this
# file, and so does an installed augstoreConfig.cmake: a target's path is found on each machine, a library's would be fixed.
foreach(name xxhash deflate)
  if(NOT TARGET augstore::${name})
    find_library(AUGSTORE_${name} ${name} REQUIRED)
    add_library(augstore::${name} UNKNOWN IMPORTED)
    set_target_properties(augstore::${name} PROPERTIES IMPORTED_LOCATION ${AUGSTORE_${name}})
  endif()
endforeach()
