#!/usr/bin/env bash
# Ingest: once per image, named problems, and a kill in the middle that changes nothing.
source "$(dirname "$0")/lib.sh"

step "two folders become two splits of one collection"
"$augstore" synth --out images/train --per-class 40 --seed 1
"$augstore" synth --out images/test --per-class 5 --seed 2
ingest() { "$augstore" ingest --store "$1" --collection drawn --backbone "$backbone" --images "$2" --quiet --json "${@:3}"; }
ingest db images/train --split train >first.json
expect first.json embedded 400
expect first.json skipped 0
expect first.json collection drawn@1
ingest db images/test --split test >second.json
expect second.json embedded 50
expect second.json samples 450

step "a second ingest embeds nothing and makes no version"
ingest db images/train --split train >again.json
expect again.json embedded 0
expect again.json reused 400
expect again.json unchanged true
expect again.json collection drawn@2

step "a reader that has seen enough is no failure"
{ "$augstore" query --store db --collection drawn --ids 0,1,2,3 --json; echo "exit $?" >query.exit; } 2>query.txt | head -n 1 >/dev/null
grep -qx "exit 0" query.exit || fail "a closed pipe ends with $(cat query.exit)"
[ ! -s query.txt ] || fail "a closed pipe is complained about: $(cat query.txt)"

step "corrupt images are named, skipped and counted"
cp -r images/train broken
victim=$(find broken -name '*.png' | sort | sed -n 1p)
head -c 200 "$victim" >cut.png && mv cut.png "$victim"
echo "not an image" >"$(dirname "$victim")/text.jpg"
"$augstore" ingest --store db-broken --collection drawn --backbone "$backbone" --images broken --json --quiet \
  >broken.json 2>broken.txt
expect broken.json embedded 399
expect broken.json skipped 2
grep -q "$(basename "$victim")" broken.txt || fail "the truncated image is not named: $(cat broken.txt)"
grep -q "text.jpg" broken.txt || fail "the text file is not named: $(cat broken.txt)"

expect_exit 4 "2 of 401 images were skipped" \
  "$augstore" ingest --store db-broken --collection other --backbone "$backbone" --images broken --max-skipped 1 --quiet

step "a normalisation that makes infinities of pixels is refused"
expect_exit 2 "make infinities of pixels" "$augstore" ingest --store db-numberless --collection drawn --backbone "$backbone" \
  --mean "0,0,0" --std "1e-40,1e-40,1e-40" --images broken --quiet

step "killed in the middle and run again: the same digest as undisturbed"
"$augstore" synth --out images/many --per-class 150 --seed 3
ingest undisturbed images/many --split train >undisturbed.json
stored() { "$augstore" stats --store killed >stats.json 2>/dev/null || true; json stats.json rows; }  # there may be no store yet
"$augstore" ingest --store killed --collection drawn --backbone "$backbone" --images images/many --split train --quiet >/dev/null 2>&1 &
pid=$!
rows=
while [ "${rows:-0}" = 0 ] && kill -0 "$pid" 2>/dev/null; do
  sleep 0.05
  rows=$(stored)
done
kill -9 "$pid" 2>/dev/null || true
wait "$pid" 2>/dev/null || true
rows=$(stored)
echo "   killed when ${rows:-0} of 1500 rows were stored"
if [ "${rows:-0}" -le 0 ] || [ "$rows" -ge 1500 ]; then fail "the kill did not come in the middle"; fi
ingest killed images/many --split train >killed.json
expect killed.json embedded $((1500 - rows))
[ "$(json killed.json digest)" = "$(json undisturbed.json digest)" ] || fail "the digests differ"
"$augstore" verify --store killed --quiet --json >verify.json
expect verify.json ok true

step "embeddings from elsewhere, out and in again"
"$augstore" export --store db --collection drawn --split train --npy z.npy --labels y.npy --safetensors z.safetensors
"$augstore" import --store db --collection copied --npy z.npy --labels y.npy --backbone-name elsewhere --json --quiet >import.json
expect import.json samples 400
"$augstore" import --store db --collection copied --npy z.npy --labels y.npy --backbone-name elsewhere --json --quiet >import2.json
expect import2.json stored 0
expect import2.json unchanged true
"$augstore" import --store db-imported --collection first --npy z.npy --backbone "$backbone" --json --quiet >import3.json
"$augstore" ingest --store db-imported --collection second --backbone "$backbone" --images images/test --json --quiet >after.json
expect after.json skipped 0
expect_exit 2 "no regular file" "$augstore" export --store db --collection drawn --npy /dev/full

step "a collection in u8 takes a quarter of the bytes and keeps its dtype"
"$augstore" import --store db --collection small --npy z.npy --labels y.npy --backbone-name elsewhere --dtype u8 --json --quiet >small.json
expect small.json dtype u8
expect small.json stored 400
"$augstore" import --store db --collection small --npy z.npy --labels y.npy --backbone-name elsewhere --json --quiet >small2.json
expect small2.json dtype u8
expect small2.json unchanged true
expect_exit 4 "is stored in u8, not in f16" \
  "$augstore" import --store db --collection small --npy z.npy --backbone-name elsewhere --dtype f16 --quiet
expect_exit 2 "f32, f16, u8" "$augstore" import --store db --collection small --npy z.npy --backbone-name elsewhere --dtype f8
"$augstore" verify --store db --quiet --json >verify-small.json
expect verify-small.json ok true

step "a folder of splits is refused, and images in two splits are counted"
mkdir photos && cp -r images/train photos/train && cp -r images/test photos/test
expect_exit 2 "--images photos/test --split test" \
  "$augstore" ingest --store db --collection photos --backbone "$backbone" --images photos
ingest db images/test --split validation 2>shared.txt >/dev/null
grep -q "50 images of drawn are both in test and validation" shared.txt || fail "no warning: $(cat shared.txt)"
mkdir flat && cp -r "$(find images/train -mindepth 1 -maxdepth 1 -type d | sort | sed -n 1p)" flat/train && cp -r flat/train flat/Test
expect_exit 2 "which are splits" "$augstore" ingest --store db --collection photos --backbone "$backbone" --images flat

step "samples are replaced only when that is asked for, and the counts are said before"
mkdir relabelled && cp -r images/test/* relabelled
first=$(find relabelled -name '*.png' | sort | sed -n 1p)
second=$(find relabelled -name '*.png' | sort | sed -n 2p)
cp "$second" "$first"
cp "$second" "$(dirname "$second")/another.png"
expect_exit 4 "1 samples of 'drawn@3' would be replaced.*${first#relabelled/}.*1 would be added, 49 are there as they are" \
  "$augstore" ingest --store db --collection drawn --backbone "$backbone" --images relabelled --split test --quiet
grep -q "1 images of drawn are in test under several keys" err.txt || fail "no warning: $(cat err.txt)"
"$augstore" collection show drawn --store db --json >refused.json
expect refused.json version 3
ingest db relabelled --split test --replace-samples 2>/dev/null >replaced.json
expect replaced.json added 1
expect replaced.json replaced 1
expect replaced.json left 49
expect replaced.json samples 501

step "a second file of embeddings adds to the first, whatever its name"
mkdir other
"$augstore" export --store db --collection drawn --split test --npy other/z.npy --quiet
"$augstore" import --store db --collection copied --npy other/z.npy --backbone-name elsewhere --json --quiet >import4.json 2>/dev/null
expect import4.json replaced 0
expect import4.json samples 451
expect_exit 4 "400 samples of 'copied@2' would be replaced" \
  "$augstore" import --store db --collection copied --npy z.npy --backbone-name elsewhere --quiet

step "collections can be listed, shown and deleted"
"$augstore" collection versions drawn --store db | grep -q drawn@1 || fail "versions does not list drawn@1"
"$augstore" collection show drawn@1 --store db --json >show.json
expect show.json samples 400
"$augstore" collection delete drawn@1 --store db --dry-run --json >dry.json
expect dry.json applied false
"$augstore" collection delete drawn@1 --store db --json >deleted.json
expect deleted.json applied true
expect deleted.json ref drawn@1
"$augstore" gc --store db --json >gc.json
expect gc.json applied false
"$augstore" gc --store db --apply --quiet
"$augstore" verify --store db --quiet
expect_exit 2 "drawn@1" "$augstore" collection delete drawn --store db
expect_exit 3 "no version 1" "$augstore" collection show drawn@1 --store db

step "wrong usage has its exit code and its remedy"
expect_exit 2 "AUGSTORE_STORE" "$augstore" stats
expect_exit 3 "nowhere" "$augstore" ingest --store db --collection x --backbone "$backbone" --images nowhere
expect_exit 3 "collection" "$augstore" collection show missing --store db
expect_exit 2 "" "$augstore" ingest --store db
expect_exit 2 "did you mean 'ingest'" "$augstore" ingst --store db
expect_exit 2 "did you mean 'train'" "$augstore" head trian
expect_exit 2 "did you mean '--connect'" "$augstore" stream --conect x
expect_exit 2 "epoch is 99999999999999999999" "$augstore" stream --store db --collection drawn --epoch 99999999999999999999
"$augstore" help head ls | grep -q "augstore head ls --store db" || fail "help head ls does not show its example"
expect_exit 3 "missing.pt" "$augstore" ingest --store db --collection x --backbone missing.pt --images images/train
echo "ingest_test: ok"
