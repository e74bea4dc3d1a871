# Everything comes from Debian 12's packages (tools/setup). A newer LibTorch is taken from CMAKE_PREFIX_PATH.
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(FlatBuffers REQUIRED)
find_program(AUGSTORE_FLATC flatc REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(Torch REQUIRED)

# These ship no CMake files in Debian 12, or theirs come only with packages that nothing else here needs.
include(cmake/plain_libraries.cmake)
find_library(AUGSTORE_ROCKSDB rocksdb REQUIRED)  # its CMake file and Torch's define one target, gflags, differently
find_library(AUGSTORE_ONEDNN dnnl REQUIRED)  # its CMake file asks for OpenCL's headers, which nothing here uses
find_path(AUGSTORE_OPENCV_INCLUDE opencv2/core.hpp PATH_SUFFIXES opencv4 REQUIRED)
foreach(module core imgcodecs imgproc)
  find_library(AUGSTORE_OPENCV_${module} opencv_${module} REQUIRED)
endforeach()

find_path(AUGSTORE_EIGEN_INCLUDE Eigen/Core PATH_SUFFIXES eigen3 REQUIRED)  # headers only
add_library(augstore_eigen INTERFACE)
target_include_directories(augstore_eigen SYSTEM INTERFACE ${AUGSTORE_EIGEN_INCLUDE})

add_library(augstore_opencv INTERFACE)
target_include_directories(augstore_opencv SYSTEM INTERFACE ${AUGSTORE_OPENCV_INCLUDE})
target_link_libraries(augstore_opencv INTERFACE ${AUGSTORE_OPENCV_imgproc} ${AUGSTORE_OPENCV_core})
add_library(augstore_decoders INTERFACE)
target_link_libraries(augstore_decoders INTERFACE ${AUGSTORE_OPENCV_imgcodecs})

add_library(augstore_torch INTERFACE)
target_include_directories(augstore_torch SYSTEM INTERFACE ${TORCH_INCLUDE_DIRS})
target_link_libraries(augstore_torch INTERFACE ${TORCH_LIBRARIES})
