#!/usr/bin/env bash
# A server in TLS, with certificates made as docs/operations.md says, used and renewed by a team.
source "$(dirname "$0")/lib.sh"
unset AUGSTORE_KEY AUGSTORE_KEY_FILE AUGSTORE_TLS_CA AUGSTORE_TLS_CERT AUGSTORE_TLS_KEY

# The commands of the document that match a pattern: they are what is tested.
documented() {
  sed -n '/^## TLS/,/^## [^T]/p' "$root/docs/operations.md" | sed ':a;/\\$/{N;s/\\\n//;ta}' | grep "^openssl.*$1" >commands.sh
  bash -e commands.sh 2>log.txt || fail "a command of docs/operations.md does not work: $(cat log.txt)"
}
step "certificates are made as the document says"
documented ""
[ "$(stat -c %a server.key)" = 600 ] || fail "the key can be read by others"

python3 - <<'PY'
import struct
header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2000, 64), }".ljust(117) + "\n"
open("z.npy", "wb").write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
                          + struct.pack("<128000f", *range(128000)))
PY

step "a server with a certificate is filled and read over TLS"
"$augstore" serve --create --store db --quiet --json --tls-cert server.pem --tls-key server.key \
  --listen tls://127.0.0.1:0 --listen "unix://$work/socket" >server.txt 2>server-err.txt &
server=$!
for _ in $(seq 200); do
  grep -q '^}' server.txt && break
  kill -0 "$server" || fail "the server did not start: $(cat server-err.txt)"
  sleep 0.05
done
tls=$(grep -o 'tls://[^"]*' server.txt)
export AUGSTORE_TLS_CA=$work/team.pem
expect_exit 8 "demands a key" "$augstore" collection ls --connect "$tls"
"$augstore" key create --connect "unix://$work/socket" --role write --out team-writer.key --quiet
export AUGSTORE_KEY_FILE=$work/team-writer.key
"$augstore" import --connect "$tls" --collection c --npy z.npy --backbone-name b --quiet --json >import.json
expect import.json samples 2000
stream=(stream --collection c --batch-size 64 --quiet --json)
"$augstore" "${stream[@]}" --epochs 3 --connect "$tls" >tls.json
"$augstore" "${stream[@]}" --epochs 3 --connect "unix://$work/socket" >unix.json
[ "$(json tls.json stream_digest)" = "$(json unix.json stream_digest)" ] || fail "the streams differ"

step "errors name what is wrong"
expect_exit 8 "no authority that is trusted here" env -u AUGSTORE_TLS_CA "$augstore" stats --connect "$tls"
expect_exit 2 "write tls:// instead of tcp://" "$augstore" stats --connect "tcp${tls#tls}"
expect_exit 2 "'nowhere.pem' cannot be used: No such file" "$augstore" stats --connect "$tls" --tls-ca nowhere.pem
expect_exit 2 "belong together" "$augstore" stats --connect "$tls" --tls-cert server.pem
expect_exit 2 "listen at tls://" "$augstore" serve --create --store other --tls-cert server.pem --tls-key server.key
expect_exit 2 "give --tls-cert and --tls-key" "$augstore" serve --create --store other --listen tls://127.0.0.1:0
expect_exit 2 "give --tls-cert and --tls-key" "$augstore" serve --create --store other --http tls://127.0.0.1:0
chmod 644 server.key
expect_exit 2 "others can read the key" "$augstore" serve --create --store other --listen tls://127.0.0.1:0 \
  --tls-cert server.pem --tls-key server.key
chmod 600 server.key

step "a renewed certificate is read on SIGHUP, beside a stream that goes on"
"$augstore" "${stream[@]}" --epochs 200 --connect "$tls" >long.json 2>long.txt &
reader=$!
name_at() { openssl s_client -connect "${tls#tls://}" </dev/null 2>/dev/null | openssl x509 -noout -serial; }
before=$(name_at)
cp server.pem good.pem
echo garbage >server.pem
kill -HUP "$server"
for _ in $(seq 100); do grep -q "stays as it was" server-err.txt && break; sleep 0.05; done
grep -q "the certificate stays as it was: .*server.pem" server-err.txt || fail "a bad certificate is not named"
[ "$(name_at)" = "$before" ] || fail "a bad certificate was taken"
documented "-keyout server.key"
kill -HUP "$server"
for _ in $(seq 100); do grep -q "new connections get the certificate of CN=store.lan" server-err.txt && break; sleep 0.05; done
[ "$(name_at)" != "$before" ] || fail "the new certificate is not in use"
wait "$reader" || fail "a reload broke a stream: $(cat long.txt)"
expect long.json rows 400000
"$augstore" stats --connect "$tls" >stats.json

step "SIGTERM stops it"
stop_server
expect_exit 5 "no augstore server answers at $tls" "$augstore" stats --connect "$tls"
echo "tls_test: ok"
