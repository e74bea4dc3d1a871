# One target carries what every target of ours compiles with.
add_library(augstore_options INTERFACE)
target_compile_options(augstore_options INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wunused -Werror
                                                  -fno-omit-frame-pointer)
target_include_directories(augstore_options INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
# GCC 12 sees uninitialised, overlapping and out-of-bounds memory inside library templates where there is none.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(augstore_options INTERFACE -Wno-maybe-uninitialized -Wno-array-bounds -Wno-stringop-overflow
                                                    -Wno-stringop-overread -Wno-restrict)
endif()
# A third faster to build than -O3, and no slower: the loops that are worth vectorising ask for it (engine/CMakeLists.txt).
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")

if(AUGSTORE_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=address,undefined)
elseif(AUGSTORE_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread -Wno-tsan)  # atomic fences are used by libraries only
  add_link_options(-fsanitize=thread)
elseif(AUGSTORE_SANITIZE STREQUAL "fuzzer")
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=address,undefined)
endif()

find_program(AUGSTORE_CCACHE ccache)
if(AUGSTORE_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${AUGSTORE_CCACHE})
endif()

# Links a program in a tenth of the default linker's time.
find_program(AUGSTORE_LLD ld.lld)
if(AUGSTORE_LLD)
  add_link_options(-fuse-ld=lld)
endif()

# A folder's library: augstore_library(storage ROOMS store catalog DEPENDS schemas). Every source in the folder and in its
# ROOMS is built, so no file can be left out. DEPENDS names other folders' libraries; LIBRARIES names third-party targets
# that stay private to this one; SOURCES adds generated files.
function(augstore_library name)
  cmake_parse_arguments(ARG "" "" "ROOMS;SOURCES;DEPENDS;LIBRARIES" ${ARGN})
  if(ARG_ROOMS)
    list(TRANSFORM ARG_ROOMS APPEND "/*.cc")
  else()
    set(ARG_ROOMS "*.cc")
  endif()
  file(GLOB sources CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} ${ARG_ROOMS})
  add_library(augstore_${name} STATIC ${sources} ${ARG_SOURCES})
  target_link_libraries(augstore_${name} PRIVATE $<BUILD_INTERFACE:augstore_options> ${ARG_LIBRARIES}
                                         PUBLIC fmt::fmt Threads::Threads)
  target_compile_features(augstore_${name} PUBLIC cxx_std_20)
  target_include_directories(augstore_${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
                                                     $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/augstore>)
  foreach(folder ${ARG_DEPENDS})
    target_link_libraries(augstore_${name} PUBLIC augstore_${folder})
  endforeach()
endfunction()
