#!/usr/bin/env bash
# Keys and listeners as an operator uses them: made, given out, rotated and revoked beside a running server.
source "$(dirname "$0")/lib.sh"
unset AUGSTORE_KEY AUGSTORE_KEY_FILE

mode() { stat -c %a "$1"; }

step "without flags a server listens in the store's folder, for its user alone"
"$augstore" serve --create --store db --quiet --json >serve.json 2>serve-err.txt &
server=$!
for _ in $(seq 200); do grep -qs listening serve.json && break; sleep 0.05; done
socket=unix://$work/db/augstore.sock
grep -q "$socket" serve.json || fail "it does not listen at $socket: $(cat serve.json serve-err.txt)"
[ "$(mode db/augstore.sock)" = 600 ] || fail "the socket has mode $(mode db/augstore.sock)"
[ "$(mode db)" = 700 ] || fail "the store has mode $(mode db)"
"$augstore" stats --connect "$socket" >/dev/null
expect_exit 4 "$socket" "$augstore" key create --store db
stop_server
[ ! -e db/augstore.sock ] || fail "the socket was left behind"

step "a path that is too long for a socket has one elsewhere"
long=$work/$(printf 'x%.0s' $(seq 100))
rm -f serve.json  # that of the server before
XDG_RUNTIME_DIR='' "$augstore" serve --create --store "$long" --quiet --json >serve.json 2>serve-err.txt &
server=$!
for _ in $(seq 200); do grep -qs listening serve.json && break; sleep 0.05; done
short=$(sed -n 's/^ *"\(unix:[^"]*\)".*/\1/p' serve.json)
[[ $short == unix:///tmp/augstore-$(id -u)/* ]] || fail "it listens at '$short': $(cat serve-err.txt)"
[ "$(mode "/tmp/augstore-$(id -u)")" = 700 ] || fail "others can enter the socket's folder"
"$augstore" stats --connect "$short" >/dev/null
stop_server

step "TCP demands a key, which is made beside the server"
start_tcp() {
  rm -f serve.json  # that of the server before
  "$augstore" serve --store db --listen tcp://127.0.0.1:0 --quiet --json "$@" >serve.json 2>serve-err.txt &
  server=$!
  for _ in $(seq 200); do grep -qs listening serve.json && break; sleep 0.05; done
  tcp=$(sed -n 's/^ *"\(tcp:[^"]*\)".*/\1/p' serve.json)
  [ -n "$tcp" ] || fail "it does not listen: $(cat serve-err.txt)"
}
start_tcp
grep -q "key create --connect $socket" serve-err.txt || fail "serve does not say how to make a key: $(cat serve-err.txt)"
expect_exit 8 "demands a key" "$augstore" collection ls --connect "$tcp"
"$augstore" key create --connect "$socket" --role read --scope 'toy*' --expires 1d --note team --out team.key 2>said.txt
[ "$(mode team.key)" = 600 ] || fail "the key's file has mode $(mode team.key)"
grep -q "$(cut -d_ -f3 team.key)" said.txt && fail "the secret was printed as well"
writer=$("$augstore" key create --connect "$socket" --role write --quiet)
[[ $writer == augs_* ]] || fail "'$writer' is no key"

step "a key allows what its role and scope say"
/usr/bin/python3 -c 'import numpy; numpy.save("rows.npy", numpy.arange(40, dtype="float32").reshape(10, 4))'
import=("$augstore" import --npy rows.npy --backbone-name phi --quiet --connect "$tcp")
AUGSTORE_KEY=$writer "${import[@]}" --collection toy1 >/dev/null
AUGSTORE_KEY=$writer "${import[@]}" --collection secret >/dev/null
"$augstore" collection ls --connect "$tcp" --key-file team.key --json >ls.json
grep -q toy1 ls.json || fail "the key's own collection is missing"
grep -q secret ls.json && fail "a collection outside of the scope is listed"
AUGSTORE_KEY_FILE=team.key "$augstore" query --connect "$tcp" --collection toy1 --ids 1 --json >query.json
expect query.json dim 4
expect_exit 8 "does not allow collection 'secret'" "$augstore" query --connect "$tcp" --key-file team.key --collection secret --ids 1
expect_exit 8 "needs the role write" "${import[@]}" --collection toy1 --key-file team.key
expect_exit 8 "needs the role admin" env AUGSTORE_KEY="$writer" "$augstore" key ls --connect "$tcp"
expect_exit 2 "is none" env AUGSTORE_KEY=augs_guess "$augstore" stats --connect "$tcp"

step "a secret is replaced, at once or after a grace, and a key is ended"
cp team.key old.key
id=$(cut -d_ -f2 team.key)
"$augstore" key rotate "$id" --connect "$socket" --grace 1h --out team.key --quiet
for key in old.key team.key; do "$augstore" stats --connect "$tcp" --key-file $key >/dev/null; done
"$augstore" key rotate "$id" --connect "$socket" --out team.key --quiet
expect_exit 8 "not one of this store's" "$augstore" stats --connect "$tcp" --key-file old.key
"$augstore" stats --connect "$tcp" --key-file team.key >/dev/null
"$augstore" key revoke "$id" --connect "$socket" >/dev/null
expect_exit 8 "was revoked" "$augstore" stats --connect "$tcp" --key-file team.key
"$augstore" key ls --connect "$socket" >keys.txt
grep -q "$id.*read.*toy\*.*revoked" keys.txt || fail "key ls: $(cat keys.txt)"

step "a server that is insecure says so, and needs no key"
stop_server
grep -q "$(cut -d_ -f3 team.key)\|$(cut -d_ -f3 old.key)" serve-err.txt serve.json && fail "a secret is in the log"
start_tcp --insecure
grep -q "anybody who reaches" serve-err.txt || fail "serve does not say what --insecure means: $(cat serve-err.txt)"
"$augstore" collection ls --connect "$tcp" >/dev/null
stop_server

step "the audit log has every write and every refusal, also while the server runs"
start_tcp
"$augstore" audit --store db --json >audit.jsonl
for line in '"what":"CreateKey".*"result":"key '"$id" '"what":"RotateKey"' '"what":"CommitDraft".*"result":"toy1@1"' \
  "\"who\":\"key $id\".*\"what\":\"GetRecord\",\"target\":\"collection secret\",\"outcome\":\"PermissionDenied\"" \
  '"who":"nobody".*"from":"tcp 127.0.0.1:.*"outcome":"Unauthenticated"'; do
  grep -q "$line" audit.jsonl || fail "no line has $line: $(cat audit.jsonl)"
done
grep -q '"what":"ListRecords".*"outcome":"Ok"' audit.jsonl && fail "reading is in the audit log"
[ "$(mode db/audit/audit.jsonl)" = 600 ] || fail "the audit log has mode $(mode db/audit/audit.jsonl)"
"$augstore" audit --store db --since 1h --failures >failures.txt
grep -q 'was revoked' failures.txt || fail "audit --failures: $(cat failures.txt)"
"$augstore" stats --connect "$socket" >stats.json
expect stats.json audit_lines_lost 0
stop_server

step "no secret is in the store's files"
for secret in "$(cut -d_ -f3 team.key)" "$(cut -d_ -f3 old.key)" "${writer##*_}"; do
  grep -rqa "$secret" db && fail "a secret is in the store"
done
"$augstore" verify --store db --quiet --json >verify.json
expect verify.json ok true
"$augstore" key ls --store db --json >keys.json
[ "$(grep -c '"id"' keys.json)" = 2 ] || fail "key ls --store: $(cat keys.json)"
echo "access_test: ok"
