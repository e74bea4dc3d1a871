#!/usr/bin/env bash
# A server that is filled, extended, administered and read without being stopped, and killed while a head trains.
source "$(dirname "$0")/lib.sh"
"$augstore" synth --out images/train --per-class 30 --seed 1
"$augstore" synth --out images/test --per-class 10 --seed 2

step "a mistyped store is not made"
expect_exit 3 "give --create" "$augstore" serve --store typo
[ ! -e typo ] || fail "serve made a store at a mistyped path"

step "fill a running server"
address=unix://$work/augstore.sock
start_server db "$address"
to=(--connect "$address" --quiet)
"$augstore" ingest "${to[@]}" --collection drawn --backbone "$backbone" --images images/train --split train --json >ingest.json
"$augstore" ingest "${to[@]}" --collection drawn --backbone "$backbone" --images images/test --split test --json >ingest2.json
expect ingest.json embedded 300
expect ingest2.json samples 400

step "a second opener is told the server's address"
expect_exit 4 "$address" "$augstore" collection delete x@1 --store db

step "transforms are trained beside the server, aliased and listed"
"$augstore" transform train "${to[@]}" --op vflip --backbone "$backbone" --images images/train --family affine --json >affine.json
expect affine.json ref vflip@1
"$augstore" transform train "${to[@]}" --op 'rotate(15)' --backbone "$backbone" --images images/train --family affine --json >rotate.json
expect rotate.json ref rotate15@1
"$augstore" transform train "${to[@]}" --op vflip --backbone "$backbone" --images images/train --family paper_mlp --epochs 3 --json >mlp.json
expect mlp.json ref vflip@2
expect mlp.json embedded 0
"$augstore" transform alias vflip champion 1 "${to[@]}"
"$augstore" transform show vflip@champion "${to[@]}" --json >show.json
expect show.json version 1
expect_exit 3 "nothing" "$augstore" transform show nothing "${to[@]}"

step "queries and replay"
"$augstore" query "${to[@]}" --collection drawn --ids 1,2,3 --apply 'vflip@champion>rotate15@1' --json >query.json
expect query.json dim 512
expect_exit 2 "400" "$augstore" query "${to[@]}" --collection drawn --ids 400 --apply identity
stream=(--collection drawn --split train --policy 'identity:1,vflip@champion:1,vflip>rotate15@1:1' --batch-size 32 --json)
"$augstore" stream "${to[@]}" "${stream[@]}" --epoch 3 --step 4 >replay1.json
"$augstore" stream "${to[@]}" "${stream[@]}" --epoch 3 --step 4 >replay2.json
cmp replay1.json replay2.json || fail "a replayed batch differs"
"$augstore" stream "${to[@]}" "${stream[@]}" --epochs 3 >stream1.json
expect stream1.json rows 900

step "fewer bytes and integers: cards say what they cost, and streams are exact all the same"
"$augstore" transform show vflip@champion "${to[@]}" | grep -q int8_loss || fail "the card has no int8_loss"
light=("${stream[@]}" --dtype u8 --precision int8 --epoch 3 --step 4)
"$augstore" stream "${to[@]}" "${light[@]}" >light1.json
"$augstore" stream "${to[@]}" "${light[@]}" >light2.json
cmp light1.json light2.json || fail "a replayed batch in u8 differs"
expect light1.json precision int8
drawn() { grep -E '"(sample|label|chain)":' "$1"; }
[ "$(drawn light1.json)" = "$(drawn replay1.json)" ] || fail "other samples or chains in int8"
[ "$(json light1.json batch_digest)" != "$(json replay1.json batch_digest)" ] || fail "int8 is not what was asked for"

step "the same stream from the store itself, with the server stopped"
stop_server
"$augstore" stream --store db --quiet "${stream[@]}" --epochs 3 >stream2.json
[ "$(json stream1.json stream_digest)" = "$(json stream2.json stream_digest)" ] || fail "the streams differ"
[ -e "$work/augstore.sock" ] && fail "the socket was left behind"

step "a head trains through a server that is killed and restarted: the same weights"
start_server db "$address"
train=(head train "${to[@]}" --collection drawn --split train --policy 'identity:1,vflip@champion:1' --arch 'mlp(64)'
  --epochs 200 --batch-size 32 --test-split test --seed 7)
"$augstore" "${train[@]}" --name calm --out calm --json >calm.json
"$augstore" "${train[@]}" --name stormy --out stormy --json >stormy.json 2>stormy.txt &
trainer=$!
for _ in 1 2 3; do
  sleep 0.2
  kill -9 "$server" || true
  wait "$server" 2>/dev/null || true
  start_server db "$address"
done
wait "$trainer" || fail "training did not survive the restarts: $(cat stormy.txt)"
cmp calm/head.safetensors stormy/head.safetensors || fail "the weights differ after a restart"
[[ -s calm/metrics.jsonl && -s calm/head.pt ]] || fail "metrics or TorchScript are missing"

step "heads are registered, evaluated and used"
"$augstore" head eval calm "${to[@]}" --collection drawn --split test --json >eval.json
[ "$(json eval.json test_accuracy)" = "$(json calm.json test_accuracy)" ] || fail "eval and train disagree"
"$augstore" head predict calm "${to[@]}" --images images/test --backbone "$backbone" >predictions.csv
[ "$(wc -l <predictions.csv)" -ge 100 ] || fail "predictions are missing"
"$augstore" head ls "${to[@]}" | grep -q stormy || fail "head ls does not list stormy"
"$augstore" head train "${to[@]}" --collection drawn --split train --policy identity --arch linear --epochs 3 --heads 4 \
  --test-split test --name many --json >many.json
expect_exit 3 "policy\|transform\|nosuch" "$augstore" head train "${to[@]}" --collection drawn --policy nosuch:1 --arch linear

step "SIGTERM stops it cleanly, and the store is sound"
stop_server
"$augstore" verify --store db --quiet --json >verify.json
expect verify.json ok true
expect_exit 5 "$address" "$augstore" stats --connect "$address"
echo "serve_test: ok"
