#!/usr/bin/env bash
# Feature maps from ingest to a stream: stored beside embeddings, read by spatial transforms. Needs a backbone that gives
# maps, which is not part of the repository.
source "$(dirname "$0")/lib.sh"
shared=$root/../shared/data
if [ ! -e "$shared/backbone_spatial.pt" ] || [ ! -e "$shared/backbone_tail.pt" ]; then
  echo "spatial_test: skipped, there is no backbone with feature maps at $shared"
  exit 0
fi
backbone=$shared/backbone_spatial.pt
"$augstore" synth --out images --per-class 12 --seed 1
to=(--store db --backbone "$backbone" --quiet)

step "ingest stores a feature map with every embedding"
"$augstore" ingest "${to[@]}" --collection drawn --images images --json >ingest.json
expect ingest.json samples 120
"$augstore" backbone ls --store db --json >backbones.json
expect backbones.json feature_map 8x8x128

step "transforms that read the map are trained, say so, and have their loss in int8"
"$augstore" transform train "${to[@]}" --op vflip --images images --family pooled --json >pooled.json
"$augstore" transform train "${to[@]}" --op vflip --images images --family last_blocks --last-blocks "$shared/backbone_tail.pt" \
  --last-blocks-rank 8 --last-blocks-epochs 1 --json >last_blocks.json
expect last_blocks.json ref vflip@2
"$augstore" transform show vflip@2 --store db --json >show.json
expect show.json feature_map 8x8x128
grep -q int8_loss show.json || fail "the card has no int8_loss"

step "streams and queries go through them"
stream=(stream --store db --quiet --json --collection drawn --policy 'identity:1,vflip@1:1,vflip@2:1' --batch-size 32)
"$augstore" "${stream[@]}" --epochs 2 >first.json
"$augstore" "${stream[@]}" --epochs 2 >second.json
expect first.json rows 240
[ "$(json first.json stream_digest)" = "$(json second.json stream_digest)" ] || fail "the streams differ"
"$augstore" query --store db --quiet --collection drawn --ids 0,1 --apply 'vflip@2' --json >query.json
expect query.json dim 512
expect_exit 2 "feature map" "$augstore" query --store db --quiet --collection drawn --ids 0 --apply 'vflip@1>vflip@2'

step "embeddings in u8 have their maps too"
"$augstore" ingest "${to[@]}" --collection small --images images --dtype u8 --json >small.json
expect small.json dtype u8
"$augstore" stream --store db --quiet --json --collection small --policy vflip@2 --epochs 1 >small-stream.json
expect small-stream.json rows 120
"$augstore" verify --store db --quiet --json >verify.json
expect verify.json ok true
echo "spatial_test: ok"
