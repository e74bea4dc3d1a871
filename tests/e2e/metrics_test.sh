#!/usr/bin/env bash
# Health and metrics of a server, scraped by Debian's Prometheus with the files of deploy/.
source "$(dirname "$0")/lib.sh"
unset AUGSTORE_KEY AUGSTORE_KEY_FILE AUGSTORE_TLS_CA AUGSTORE_TLS_CERT AUGSTORE_TLS_KEY
export PATH=$PATH:$root/build/prometheus/usr/bin
prometheus=
stop_prometheus() { [ -z "$prometheus" ] || { kill -9 "$prometheus" && wait "$prometheus"; } 2>/dev/null || true; }
trap 'stop_prometheus; cleanup' EXIT

# get URL [KEY]: prints the body; the status goes to status.txt.
get() {
  python3 - "$@" <<'PY'
import sys, urllib.error, urllib.request
request = urllib.request.Request(sys.argv[1])
if len(sys.argv) > 2: request.add_header("Authorization", "Bearer " + sys.argv[2])
try: reply = urllib.request.urlopen(request, timeout=10)
except urllib.error.HTTPError as error: reply = error
open("status.txt", "w").write(str(reply.status))
sys.stdout.write(reply.read().decode())
PY
}
# gets STATUS PATTERN URL [KEY]
gets() {
  get "${@:3}" >body.txt
  [ "$(cat status.txt)" = "$1" ] || fail "$3 answers $(cat status.txt), not $1: $(cat body.txt)"
  grep -q -- "$2" body.txt || fail "'$2' is not in the answer of $3: $(cat body.txt)"
}
serve() {
  rm -f server.txt  # that of the server before
  "$augstore" serve --create --store db --http tcp://127.0.0.1:0 --quiet --json "$@" >server.txt 2>server-err.txt &
  server=$!
  for _ in $(seq 200); do
    grep -qs '^}' server.txt && break
    kill -0 "$server" || fail "the server did not start: $(cat server-err.txt)"
    sleep 0.05
  done
  address=$(grep -A1 '"http"' server.txt | grep -o '127.0.0.1:[0-9]*')
}

step "a server says that it is well, and shows its metrics to whoever has a key"
serve --log-format json --log-level info
gets 200 alive "http://$address/healthz"
gets 200 '^ready' "http://$address/readyz"
gets 401 "metrics need a key" "http://$address/metrics"
gets 404 "/healthz, /readyz, /metrics" "http://$address/nothing"
local_socket=unix://$work/db/augstore.sock
"$augstore" key create --connect "$local_socket" --role read --out prometheus.key --quiet
"$augstore" key create --connect "$local_socket" --role read --scope photos --out photos.key --quiet
gets 403 "this key has a scope" "http://$address/metrics" "$(cat photos.key)"

python3 - <<'PY'
import struct
header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1000, 16), }".ljust(117) + "\n"
open("z.npy", "wb").write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
                          + struct.pack("<16000f", *range(16000)))
PY
"$augstore" import --connect "$local_socket" --collection c --npy z.npy --backbone-name b --quiet >/dev/null
"$augstore" stream --connect "$local_socket" --collection c --batch-size 100 --epochs 2 --quiet >/dev/null
gets 200 '^augstore_rows_total 2000$' "http://$address/metrics" "$(cat prometheus.key)"
cp body.txt metrics.txt

step "the API answers in JSON what the protocol answers, and the console is there"
python3 - "$address" "$(cat prometheus.key)" "$(cat photos.key)" <<'PY' || fail "the API is wrong"
import json, subprocess, sys, urllib.error, urllib.request
address, key, scoped = sys.argv[1:]
def ask(name, fields=None, key=key):
    headers = {"Authorization": "Bearer " + key, "Content-Type": "application/json"} if key else {}
    data = None if fields is None else json.dumps(fields).encode()
    request = urllib.request.Request(f"http://{address}/api/v1/{name}", data=data, headers=headers)
    try: reply = urllib.request.urlopen(request, timeout=30)
    except urllib.error.HTTPError as error: return error.code, json.loads(error.read())
    return reply.status, json.loads(reply.read())
assert ask("Session", key="")[1]["role"] == "none"
assert ask("Stats", key="")[0] == 401
assert ask("Query", {"collection": "c", "samples": [0]}, scoped)[0] == 403
assert ask("ListKeys", {})[0] == 403
status, batch = ask("Query", {"collection": "c", "samples": [3, 1]})
assert status == 200 and batch["rows"] == [[float(48 + i) for i in range(16)], [float(16 + i) for i in range(16)]], batch
assert ask("Browse?kind=collection")[1]["records"][0]["record"]["samples"] == 1000
assert ask("DescribeCollection", {"collection": "c"})[1]["splits"][0]["samples"] == 1000
picture = ask("Project", {"collection": "c", "samples": 100})[1]
assert len(picture["points"]) == 100 and picture["explained"][0] > 0.99, picture["explained"]
assert ask("Query", {"collection": "d", "samples": [0]}) == (404, ask("Query", {"collection": "d", "samples": [0]})[1])
assert "/api/v1/Query" in ask("openapi.json", key="")[1]["paths"]
page = urllib.request.urlopen(f"http://{address}/")
assert "default-src 'none'" in page.headers["Content-Security-Policy"]
assert b"console.js" in page.read()
PY

step "top says who reads what, and what is slow"
"$augstore" stream --connect "$local_socket" --collection c --batch-size 100 --epochs 100000 --quiet >/dev/null 2>&1 &
reader=$!
"$augstore" top --connect "$local_socket" --interval 0.5 --count 2 --json >top.json
kill "$reader"
wait "$reader" || true
[ "$(wc -l <top.json)" = 2 ] || fail "not a line for each look: $(cat top.json)"
python3 - <<'PY' || fail "top is wrong: $(tail -n 1 top.json)"
import json
last = json.loads(open("top.json").read().splitlines()[-1])
assert last["rows_per_s"] > 0 and last["bottleneck"].startswith("streams wait for"), last
stream = [s for s in last["streams"] if s["rows_per_s"] > 0]
assert len(stream) == 1 and stream[0]["collection"] == "c@1" and stream[0]["who"].startswith("uid"), last
PY
"$augstore" top --connect "$local_socket" --interval 0.1 --count 1 >top.txt
grep -q "rows/s in" top.txt || fail "top prints $(cat top.txt)"
expect_exit 4 "name one with --connect" "$augstore" top --store db --count 1 --interval 0.1

step "the dashboard and the alerts name what there is"
cp metrics.txt names.txt
# These two need a certificate, and a backup made by a server.
printf 'augstore_certificate_expiry_timestamp_seconds 1\naugstore_last_backup_timestamp_seconds 1\n' >>names.txt
grep -ohE '(augstore|process)_[a-z_]+' "$root"/deploy/grafana/augstore.json "$root"/deploy/prometheus/alerts.yml | sort -u |
  while read -r name; do grep -qE "^${name}( |\{)" names.txt || fail "deploy/ has '$name', and no server does"; done

step "a server without room is not ready, and stays alive"
stop_server
python3 - <<'PY' || fail "the log has no line for the stream: $(cat server-err.txt)"
import json
lines = [json.loads(line) for line in open("server-err.txt") if line.startswith('{"time"')]
streams = [line for line in lines if line.get("event") == "stream" and line["rows"] == 2000]
assert len(streams) == 1 and streams[0]["collection"] == "c@1" and streams[0]["level"] == "info", lines
PY
serve --least-free 1000000000
gets 503 "MiB are free for the store, and 1000000000 MiB are the least" "http://$address/readyz"
gets 200 alive "http://$address/healthz"

if ! command -v prometheus >/dev/null || ! command -v promtool >/dev/null; then
  stop_server
  echo "metrics_test: ok, without Prometheus (tools/setup --test fetches it)"
  exit 0
fi

step "Prometheus' own tool finds nothing wrong"
promtool check metrics <metrics.txt >promtool.txt 2>&1 || fail "promtool check metrics: $(cat promtool.txt)"
cp "$root"/deploy/prometheus/* .
promtool test rules alerts_test.yml >promtool.txt 2>&1 || fail "promtool test rules: $(cat promtool.txt)"
sed -i "s/127.0.0.1:9411/$address/; s/interval: 15s/interval: 1s/" prometheus.yml
promtool check config prometheus.yml >promtool.txt 2>&1 || fail "promtool check config: $(cat promtool.txt)"

step "Prometheus scrapes the server with its key"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
prometheus --config.file prometheus.yml --storage.tsdb.path data --web.listen-address "127.0.0.1:$port" >prometheus.log 2>&1 &
prometheus=$!
query() { get "http://127.0.0.1:$port/api/v1/query?query=$1" 2>/dev/null || true; }
for _ in $(seq 100); do
  query 'augstore_store_rows' >answer.txt
  grep -q '"1000"' answer.txt && break
  sleep 0.2
done
grep -q '"1000"' answer.txt || fail "Prometheus has not scraped the server: $(cat answer.txt) $(tail -n 5 prometheus.log)"
query 'up' >answer.txt
grep -q '"job":"augstore"},"value":\[[0-9.]*,"1"\]' answer.txt || fail "the server is not up: $(cat answer.txt)"
for _ in $(seq 100); do
  get "http://127.0.0.1:$port/api/v1/rules" >rules.txt
  grep -q '"health":"unknown"' rules.txt || break
  sleep 0.2
done
[ "$(grep -o '"health":"ok"' rules.txt | wc -l)" = "$(grep -c 'alert:' alerts.yml)" ] || fail "a rule is not well: $(cat rules.txt)"
stop_prometheus
prometheus=
stop_server
echo "metrics_test: ok"
