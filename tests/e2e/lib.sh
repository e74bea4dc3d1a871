# shellcheck shell=bash
# What the end-to-end tests share. Sourced with the path of the augstore program in $1.
set -euo pipefail
augstore=$(realpath "$1")
root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
# shellcheck disable=SC2034  # for the tests
backbone=$root/tools/demo_assets/backbone.pt
work=$(mktemp -d)
server=
cleanup() {
  [ -z "$server" ] || { kill -9 "$server" && wait "$server"; } 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT
cd "$work"

fail() { echo "FAILED: $*" >&2; exit 1; }
step() { echo "-- $*"; }

# The first value of a key in augstore's JSON (one key a line): json FILE KEY
json() { sed -n "s/^ *\"$2\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}$/\1/p" "$1" | sed -n 1p; }
# expect FILE KEY VALUE
expect() {
  local got
  got=$(json "$1" "$2")
  [ "$got" = "$3" ] || fail "$2 is '$got' in $1, not '$3': $(head -c 2000 "$1")"
}
# expect_exit CODE PATTERN COMMAND...: the command exits with CODE and says PATTERN on standard error.
expect_exit() {
  local want=$1 pattern=$2 code=0
  shift 2
  "$@" >out.txt 2>err.txt || code=$?
  [ "$code" = "$want" ] || fail "exit code $code, not $want: $* ($(cat err.txt))"
  grep -q -- "$pattern" err.txt || fail "'$pattern' is not in the message of $*: $(cat err.txt)"
}

# start_server STORE ADDRESS FLAGS...: serves the store, made if need be, until stop_server or the end of the test.
start_server() {
  "$augstore" serve --create --store "$1" --listen "$2" --quiet "${@:3}" >server.txt 2>server-err.txt &
  server=$!
  for _ in $(seq 200); do
    grep -q serving server.txt && return
    kill -0 "$server" 2>/dev/null || fail "the server did not start: $(cat server-err.txt)"
    sleep 0.05
  done
  fail "the server did not say that it serves"
}
stop_server() {
  kill -TERM "$server"
  wait "$server" || fail "the server did not stop cleanly: $(cat server-err.txt)"
  server=
}
