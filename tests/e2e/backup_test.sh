#!/usr/bin/env bash
# Backups: made beside a server and without one, listed, checked, restored, pruned.
source "$(dirname "$0")/lib.sh"

import() { "$augstore" import --npy "$1.npy" --backbone-name b --quiet --json "${@:2}"; }
python3 - <<'PY'
import struct
for name, first in (("a", 0), ("b", 9000)):
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (300, 8), }".ljust(117) + "\n"
    open(name + ".npy", "wb").write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
                                    + struct.pack("<2400f", *range(first, first + 2400)))
PY

step "a backup of a store that nobody serves"
import a --store db --collection first >first.json
"$augstore" backup create --store db --to backups --json >one.json
expect one.json id 1
expect one.json collections 1
[ "$(stat --format=%a backups)" = 700 ] || fail "others may read the backups"
expect_exit 2 "in the folder of the store itself" "$augstore" backup create --store db --to db/backups
expect_exit 4 "and no backups" "$augstore" backup create --store db --to "$root/docs"
expect_exit 2 "to is missing" "$augstore" backup create --store db

step "backups of a server go where its operator said, and nowhere else"
start_server db "unix://$work/socket" --backup-dir backups
connect=(--connect "unix://$work/socket")
import b "${connect[@]}" --collection second >second.json
"$augstore" backup create "${connect[@]}" --json >two.json
expect two.json id 2
expect two.json collections 2
"$augstore" backup ls "${connect[@]}" --json >list.json
grep -q '"id": 2' list.json || fail "the second backup is not listed"
"$augstore" backup ls "${connect[@]}" --id 2 | grep -q second@1 || fail "its versions are not listed"
expect_exit 2 "one name" "$augstore" backup create "${connect[@]}" --to /tmp/elsewhere
expect_exit 2 "one name" "$augstore" backup create "${connect[@]}" --to ../elsewhere

step "Ctrl-C stops a backup and leaves none; SIGTERM stops a server that makes one"
# Rows that do not fit in what is copied before the first look at the signal.
python3 -c '
import os, struct
header = "{\x27descr\x27: \x27<f4\x27, \x27fortran_order\x27: False, \x27shape\x27: (40000, 128), }".ljust(117) + "\n"
import random
values = random.Random(1)
open("big.npy", "wb").write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
    + struct.pack("<5120000f", *(values.random() for _ in range(5120000))))'
"$augstore" import --npy big.npy --backbone-name big "${connect[@]}" --collection big --quiet >/dev/null
"$augstore" backup create "${connect[@]}" --to other --rate 1 --quiet 2>err.txt &
maker=$!
sleep 1
kill -INT "$maker"
code=0
wait "$maker" || code=$?
[ "$code" = 130 ] || fail "Ctrl-C gave exit code $code: $(cat err.txt)"
expect_exit 3 "no complete backup" "$augstore" backup verify --from backups/other
"$augstore" backup create "${connect[@]}" --to other --rate 1 --quiet 2>err.txt &
maker=$!
sleep 1
begin=$SECONDS
stop_server
[ $((SECONDS - begin)) -le 5 ] || fail "the server took $((SECONDS - begin)) s to stop"
code=0
wait "$maker" || code=$?
[ "$code" = 5 ] || fail "a backup whose server stopped gave exit code $code: $(cat err.txt)"
expect_exit 3 "no complete backup" "$augstore" backup verify --from backups/other

step "a restored store has the digests that the backup names"
"$augstore" backup verify --from backups --deep --json >verified.json
expect verified.json ok true
"$augstore" backup restore --from backups --store restored --json --quiet >restored.json
expect restored.json id 2
for name in first second; do
  "$augstore" collection show "$name" --store restored --json >shown.json
  [ "$(json shown.json digest)" = "$(json "$name.json" digest)" ] || fail "$name has another digest"
done
"$augstore" backup restore --from backups --id 1 --store older --quiet
expect_exit 3 "second" "$augstore" collection show second --store older
expect_exit 4 "holds" "$augstore" backup restore --from backups --store restored
expect_exit 3 "no complete backup 9" "$augstore" backup restore --from backups --id 9 --store ninth

step "a damaged backup is named and not restored"
table=$(find backups/shared_checksum -name '*.sst' -size +1k | sort | sed -n 1p)
cp "$table" kept.sst
printf 'x' | dd of="$table" bs=1 seek=600 conv=notrunc status=none
expect_exit 6 "$(basename "$table")" "$augstore" backup verify --from backups --id 1
expect_exit 6 "$(basename "$table")" "$augstore" backup restore --from backups --id 1 --store broken
expect_exit 4 "augstore backup restore" "$augstore" stats --store broken
cp kept.sst "$table"
"$augstore" backup restore --from backups --id 1 --store broken --quiet
"$augstore" verify --store broken --json >broken.json
expect broken.json ok true

step "prune keeps what it is told to, and the newest"
"$augstore" backup create --store db --to backups --quiet
"$augstore" backup prune --from backups --keep 1 --dry-run --json >plan.json
expect plan.json dry_run true
expect_exit 2 "keep N" "$augstore" backup prune --from backups
expect_exit 2 "such as 30d" "$augstore" backup prune --from backups --older-than month
"$augstore" backup prune --from backups --older-than 30d | grep -q "removed: none" || fail "young backups went"
"$augstore" backup prune --from backups --keep 1 | grep -q "kept: 3" || fail "the newest went"
"$augstore" backup verify --from backups --json >left.json
expect left.json id 3
echo "backup_test: ok"
