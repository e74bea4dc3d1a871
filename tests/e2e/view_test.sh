#!/usr/bin/env bash
# Stored views from the command that makes them to streams, heads and queries.
source "$(dirname "$0")/lib.sh"
"$augstore" synth --out images/train --per-class 12 --seed 1
"$augstore" synth --out images/test --per-class 2 --seed 2
for split in train test; do
  "$augstore" ingest --store db --collection drawn --backbone "$backbone" --images images/$split --split $split --quiet
done
law='rotate(-30..30)>brightness(0.7..1.4)'
view=(--store db --collection drawn --backbone "$backbone" --images images/train --quiet --json)

step "the cost is said before it is spent"
"$augstore" view add "${view[@]}" --law "$law" --random 2 --seed 7 --dry-run >dry.json 2>dry.txt
expect dry.json phi_calls 240
grep -q "240 are not stored yet (480.0 KiB); 120 images, at most 240 Φ calls" dry.txt || fail "no cost in: $(cat dry.txt)"
[ "$("$augstore" collection show drawn --store db --json | grep -c '"version": 2')" = 1 ] || fail "a dry run made a version"

step "views of the split train are embedded once and sealed in a version"
"$augstore" view add "${view[@]}" --law "$law" --random 2 --seed 7 --ops 'vflip' >first.json
expect first.json collection drawn@3
expect first.json embedded 360
expect first.json viewed 120
expect first.json samples 140
"$augstore" view add "${view[@]}" --law "$law" --random 2 --seed 7 >again.json
expect again.json collection drawn@3
expect again.json unchanged true
expect again.json phi_calls 0
"$augstore" view ls drawn --store db >ls.txt
grep -q "120 of 140 samples have all of them" ls.txt || fail "view ls says: $(cat ls.txt)"
"$augstore" collection show drawn --store db >show.txt
grep -q "views     2 of rotate(-30..30)>brightness(0.7..1.4) (seed 7), 1 of vflip (120 samples)" show.txt ||
  fail "collection show says: $(cat show.txt)"
"$augstore" verify --store db --quiet

step "a set grows, and keeps the views that it has"
"$augstore" view add "${view[@]}" --law "$law" --random 3 --seed 7 >grown.json
expect grown.json collection drawn@4
expect grown.json embedded 120

step "pairs of the same op are the same rows"
"$augstore" transform train --store db --backbone "$backbone" --op vflip --images images/train --family diagonal --quiet --json >pairs.json
grep -q '"phi_calls": 0' pairs.json || grep -q '"embedded": 0' pairs.json || fail "vflip was embedded again: $(cat pairs.json)"

step "policies draw views, any number of servers and workers the same"
digest() { "$augstore" stream --store db --collection "$1" --policy "$2" --batch-size 32 --quiet --json | tee stream.json | sed -n 's/.*"stream_digest": "\(.*\)".*/\1/p'; }
one=$(digest drawn@4 'identity:1,views:2')
[ "$one" = "$(digest drawn@4 'identity:1,views:2')" ] || fail "the same stream has other bytes"
expect stream.json rows 120
[ "$one" != "$(digest drawn@4 'identity')" ] || fail "views are the images"
digest drawn@4 "view(vflip):1,view($law)>vflip@1:1" >/dev/null
grep -q 'view(vflip),view(rotate(-30..30)>brightness(0.7..1.4))>vflip@1' stream.json || fail "the policy is not pinned: $(cat stream.json)"
"$augstore" head train --store db --collection drawn --policy 'identity,views:2' --epochs 1 --test-split test --quiet --json >head.json
expect head.json samples 120

step "a query reads a view"
"$augstore" query --store db --collection drawn --ids 0 --apply 'view(vflip)' --quiet --json >view.json
"$augstore" query --store db --collection drawn --ids 0 --quiet --json >plain.json
! cmp -s view.json plain.json || fail "the view is the image"

step "what is not there is said"
expect_exit 4 "20 of 20 samples of split 'test' lack stored views: .augstore view add --split 'test'" \
  "$augstore" stream --store db --collection drawn --split test --policy views --quiet
expect_exit 4 "has no views of hflip, it has those of" \
  "$augstore" stream --store db --collection drawn --policy 'view(hflip)' --quiet
expect_exit 4 "has no stored views: .augstore view add --collection drawn" \
  "$augstore" stream --store db --collection drawn@2 --policy views --quiet
expect_exit 3 "20 images of 'drawn@4' of which views are missing are not in --images" \
  "$augstore" view add "${view[@]}" --ops vflip --split test
expect_exit 2 "has no range to draw from" "$augstore" view add "${view[@]}" --law vflip
expect_exit 2 "has a range, which is drawn from" "$augstore" view add "${view[@]}" --ops 'rotate(-3..3)'
expect_exit 4 "3 views of" "$augstore" view add "${view[@]}" --law "$law" --random 1 --seed 7
expect_exit 2 "name the collection alone, drawn" \
  "$augstore" view add --store db --collection drawn@2 --backbone "$backbone" --images images/train --ops hflip --quiet

expect_exit 2 "there is no --law" "$augstore" view add "${view[@]}" --ops vflip --random 3
cp "$backbone" other.pt && echo >>other.pt
expect_exit 4 "is of another backbone" "$augstore" view add --store db --collection drawn --backbone other.pt --images images/train \
  --ops vflip --quiet
[ "$("$augstore" backbone ls --store db --json | grep -c '"digest"')" = 1 ] || fail "a backbone was registered that was refused"
expect_exit 2 "reads stored views, which a prediction does not" \
  "$augstore" head eval drawn --store db --collection drawn --split test --tta trained
"$augstore" view add --store db --collection drawn --backbone "$backbone" --images absent --ops vflip --quiet ||
  fail "images are asked for where no view is missing"

step "images that come later have none, until the command is run again"
"$augstore" synth --out images/more --per-class 1 --seed 5
for image in images/more/*/00000.png; do mv "$image" "${image%/*}/more.png"; done
"$augstore" ingest --store db --collection drawn --backbone "$backbone" --images images/more --split train --quiet
expect_exit 4 "10 of 130 samples of split 'train' lack stored views" \
  "$augstore" stream --store db --collection drawn --policy views --quiet
"$augstore" view add --store db --collection drawn --backbone "$backbone" --images images/more --quiet --json --law "$law" --random 3 \
  --seed 7 >more.json
expect more.json embedded 40
expect more.json viewed 130
digest drawn views >/dev/null
expect stream.json rows 130

step "a plan measures what to store, and its commands run"
"$augstore" plan --store plan --images images/train --backbone "$backbone" --law "$law" --seed 7 --sample 40 --validation 20 --views 1 --many-views 2 \
  --steps 20 --seeds 2 --arch linear --lr 1e-3 --share 0 --plot plan.svg --json --quiet >plan.json
expect plan.json phi_calls 180
grep -q '<svg' plan.svg || fail "there is no plot"
[ "$("$augstore" collection ls --store plan --json | grep -c '"name"')" = 0 ] || fail "a plan left a collection"
"$augstore" plan --store plan --images images/train --backbone "$backbone" --law "$law" --seed 7 --sample 40 --validation 20 --views 1 --many-views 2 \
  --steps 20 --seeds 2 --arch linear --lr 1e-3 --share 0 --quiet >plan.txt
"$augstore" ingest --store plan --collection train --images images/train --backbone "$backbone" --quiet --json >ingested.json
expect ingested.json embedded 60
"$augstore" view add --store plan --collection train --images images/train --backbone "$backbone" --law "$law" --random 2 --seed 7 \
  --quiet --json >reused.json
expect reused.json phi_calls 120
grep '^  augstore ' plan.txt >commands.txt || fail "the plan names no command: $(cat plan.txt)"
PATH=$(dirname "$augstore"):$PATH bash -e commands.txt >commands-out.txt 2>&1 || fail "the commands fail: $(cat commands-out.txt)"
"$augstore" head train --store plan --collection train --policy "identity,view($law)" --epochs 1 --quiet --json >head.json

step "a set that is dropped is in the versions before"
"$augstore" view drop drawn --law vflip --store db --json --dry-run >dry.json
expect dry.json applied false
"$augstore" view drop drawn --law vflip --store db --quiet --json >drop.json
expect drop.json applied true
expect_exit 4 "has no views of vflip" "$augstore" stream --store db --collection drawn --policy 'view(vflip)' --quiet
digest drawn@4 'view(vflip)' >/dev/null
expect_exit 3 "has no such views" "$augstore" view drop drawn --law vflip --store db
"$augstore" gc --store db --quiet
"$augstore" verify --store db --quiet
echo "view_test: ok"
