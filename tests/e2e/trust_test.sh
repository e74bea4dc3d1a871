#!/usr/bin/env bash
# The promises of docs/guarantees.md: a short cut of tools/torture, and what damage looks like to a user.
source "$(dirname "$0")/lib.sh"

step "a killed server whose log was cut is refused, says what is missing, and is repaired"
"$root/tools/torture" --quick --augstore "$augstore" || fail "a promise was broken"

start_server db "unix://$work/socket"
python3 - <<'PY'
import struct
header = "{'descr': '<f4', 'fortran_order': False, 'shape': (300, 8), }".ljust(117) + "\n"
open("z.npy", "wb").write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
                          + struct.pack("<2400f", *range(2400)))
PY
import() { "$augstore" import "$@" --npy z.npy --backbone-name b --quiet --json; }
import --connect "unix://$work/socket" --collection first >first.json
import --connect "unix://$work/socket" --collection second >second.json
kill -9 "$server"
wait "$server" 2>/dev/null || true
server=
cp -r db whole
log=$(find db -name '*.log' -size +0 | sort | sed -n '$p')
truncate --size=-40 "$log"
find db -type f -exec sha256sum {} + | sort >before.txt
for command in "collection ls" "verify" "stats"; do
  # shellcheck disable=SC2086  # two words
  expect_exit 6 "has lost acknowledged writes" "$augstore" $command --store db
done
expect_exit 6 "augstore repair" import --store db --collection third
find db -type f -exec sha256sum {} + | sort >after.txt
cmp before.txt after.txt || fail "a refused store was changed"
"$augstore" repair --store db --json >preview.json
expect preview.json needed true
expect preview.json applied false
expect preview.json lost_entries 2  # the record, and the number of the next version
expect_exit 6 "has lost acknowledged writes" "$augstore" verify --store db
"$augstore" repair --store db --apply --json >repaired.json
expect repaired.json applied true
"$augstore" verify --store db --json >verified.json
expect verified.json ok true
"$augstore" collection ls --store db --json >kept.json
expect kept.json name first
! grep -q second kept.json || fail "the version whose record was lost is there"
import --store db --collection second >again.json
[ "$(json again.json digest)" = "$(json second.json digest)" ] || fail "importing again makes another digest"
"$augstore" repair --store whole --json >whole.json
expect whole.json needed false

step "a closed store needs no log"
find db -name '*.log' -delete
"$augstore" collection ls --store db --json >closed.json
expect closed.json name first

step "a store is read beside its server, and says how to write"
start_server db "unix://$work/socket"
"$augstore" verify --store db --json >beside.json
expect beside.json ok true
expect_exit 4 "use --connect unix://$work/socket" import --store db --collection third
rm db/LOCK
expect_exit 4 "use --connect" import --store db --collection third
"$augstore" stats --connect "unix://$work/socket" >stats.json
expect stats.json takes_writes true
stop_server

step "a file that is gone ends an ingest without a version"
"$augstore" synth --out images --per-class 4 --seed 1
find "$PWD/images" -name '*.png' | sort | sed 's/$/,x/' >list.csv
victim=$(sed -n '3s/,x$//p' list.csv)
mv "$victim" away.png
ingest() { "$augstore" ingest --store images-db --collection c --backbone "$backbone" --quiet --json "$@"; }
expect_exit 3 "$(basename "$victim")" ingest --images list.csv
expect_exit 3 "has no collections\|there is no\|does not exist" "$augstore" collection show --store images-db c
mv away.png "$victim"
head -c 100 "$victim" >cut.png && mv cut.png "$victim"
expect_exit 4 "max-skipped" ingest --images list.csv --max-skipped 0
ingest --images list.csv --max-skipped 1 >ingested.json
expect ingested.json skipped 1
step "images whose rows were damaged are stored anew"
import --store lost --collection c >made.json
python3 - <<'PY'
import pathlib, struct
row = struct.pack("<8f", *range(1600, 1608))  # row 200, in the first segment
for table in pathlib.Path("lost").glob("*.sst"):
    data = bytearray(table.read_bytes())
    at = data.find(row)
    if at >= 0:
        data[at + 3] ^= 1
        table.write_bytes(data)
PY
expect_exit 6 "items are damaged" "$augstore" verify --store lost
"$augstore" repair --store lost --rows --json >found.json
expect found.json images 256
expect found.json applied false
start_server lost "unix://$work/socket"
"$augstore" repair --connect "unix://$work/socket" --rows --apply --json >forgotten.json
expect forgotten.json images 256
import --connect "unix://$work/socket" --collection c >refilled.json
expect refilled.json collection c@2
expect refilled.json refilled 256
[ "$(json made.json digest)" = "$(json refilled.json digest)" ] || fail "the refilled version has another digest"
"$augstore" stream --connect "unix://$work/socket" --collection c@2 --split train --epochs 1 >/dev/null || fail "c@2 is not served"
expect_exit 6 "items are damaged" "$augstore" verify --connect "unix://$work/socket"
"$augstore" verify --connect "unix://$work/socket" --json >verified.json 2>/dev/null || true
grep -q "segment" verified.json || fail "the damaged segment is not named"
! grep -q "c@2" verified.json || fail "the new version has problems"
"$augstore" collection show c@2 --bytes-digest --connect "unix://$work/socket" --json >shown.json
[ -n "$(json shown.json bytes_digest)" ] || fail "no digest of the bytes"
stop_server

echo "trust_test: ok"
