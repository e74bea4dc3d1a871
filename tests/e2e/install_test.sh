#!/usr/bin/env bash
# The C++ client is installed, and a project that finds it with find_package reads a stream of a server.
source "$(dirname "$0")/lib.sh"
build=$(realpath "$(dirname "$augstore")/..")

step "an install without a component has programs, and nothing to build with"
cmake --install "$build" --prefix "$work/programs" >install.txt
[ -x programs/bin/augstore ] || fail "the program is missing: $(cat install.txt)"
[ ! -e programs/include ] || fail "headers were installed, too"
[ -z "$(find programs -name '*.a' -o -name '*.cmake')" ] || fail "libraries were installed, too: $(cat install.txt)"

step "the component 'development' has the headers as they include each other, and no others"
cmake --install "$build" --component development --prefix "$work/prefix" >install.txt
[ -s prefix/include/augstore/client/client.h ] || fail "client.h is missing: $(cat install.txt)"
[ ! -e prefix/bin ] || fail "programs were installed, too"
[ -z "$(find prefix/include -name '*_generated.h' -o -name codec.h)" ] || fail "FlatBuffers' headers were installed, too"
! grep -rq "$root" prefix --include='*.cmake' || fail "the package names the folder that it was built in"

step "the package works where it was moved to"
mv prefix moved
# The linker flags that a library with sanitizers or coverage needs.
flags=()
case "$(sed -n 's/^AUGSTORE_SANITIZE:STRING=//p' "$build/CMakeCache.txt")" in
  address) flags=("-DCMAKE_EXE_LINKER_FLAGS=-fsanitize=address,undefined") ;;
  thread) flags=(-DCMAKE_EXE_LINKER_FLAGS=-fsanitize=thread) ;;
esac
! grep -q '^CMAKE_EXE_LINKER_FLAGS:.*--coverage' "$build/CMakeCache.txt" || flags=(-DCMAKE_EXE_LINKER_FLAGS=--coverage)
command -v ccache >/dev/null && flags+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
cmake -G Ninja -S "$root/tests/install" -B reader -DCMAKE_PREFIX_PATH="$work/moved" -DCMAKE_CXX_FLAGS="-Wall -Wextra -Werror" "${flags[@]}" \
  >configure.txt 2>&1 || fail "it is not found: $(cat configure.txt)"
cmake --build reader >build.txt 2>&1 || fail "it does not build: $(cat build.txt)"

step "the program reads a stream"
{
  printf '\x93NUMPY\x01\x00\x76\x00%-117s\n' "{'descr': '<f4', 'fortran_order': False, 'shape': (1000, 2), }"
  for _ in $(seq 1000); do printf '\x00\x00\x80\x3f\x00\x00\x00\x40'; done  # 1 and 2
} >z.npy
start_server db "unix://$work/augstore.sock"
"$augstore" import --connect "unix://$work/augstore.sock" --collection c --npy z.npy --backbone-name b --quiet
reader/reader "unix://$work/augstore.sock" c >rows.txt
[ "$(cat rows.txt)" = "1000 rows of dimension 2, sum 3000" ] || fail "it read: $(cat rows.txt)"
stop_server
echo "install_test: ok"
