# Copies the headers of `client`, and those of ours that they include, to augstore_destination. Run when it is installed, so no
# list of them can be out of date. Their paths stay as in the source tree, in a folder of their own: #include "client/client.h".
cmake_policy(VERSION 3.25)  # an install script has none
file(GLOB pending RELATIVE ${augstore_source} ${augstore_source}/client/*.h)
set(headers)
while(pending)
  list(POP_FRONT pending header)
  if(header IN_LIST headers)
    continue()
  endif()
  list(APPEND headers ${header})
  file(STRINGS ${augstore_source}/${header} lines REGEX "^#include \"")
  list(TRANSFORM lines REPLACE "^#include \"(.*)\".*" "\\1")
  list(APPEND pending ${lines})
endwhile()
foreach(header ${headers})
  get_filename_component(folder ${header} DIRECTORY)
  file(INSTALL ${augstore_source}/${header} DESTINATION ${augstore_destination}/${folder})
endforeach()
