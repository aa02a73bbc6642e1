#!/bin/sh
# What a component costs: CPU per request of a scenario over that of the same endpoint without its extra_config, in us.
#
#   spec/bench/over-noop.sh build/release/cuttle [scenario]
#
# SECONDS_LOAD: 60 unless given. Scenario and backend are the harness's; one worker serves both endpoints in turn, a
# slice of 50 ms each, so that what the machine's neighbours change falls out (alternate.lua). noop-200, which has
# nothing to leave out, shows what is left of it.
binary=$(realpath "$1")
scenario=${2:-ratelimit-pass}
cd "$(dirname "$0")/../.." || exit 1
. spec/bench/prepare.sh
cd build/measure || exit 1

folder=$(mktemp -d) || exit 1
trap 'kill $gateway $backend 2>/dev/null; wait; rm -rf "$folder"' EXIT
path=$(python3 - "krakend/$scenario.json" "$folder/krakend.json" <<'PYTHON'
import copy, json, sys

with open(sys.argv[1]) as file:
    config = json.load(file)
endpoint = config["endpoints"][0]
plain = copy.deepcopy(endpoint)
plain.pop("extra_config", None)
plain["endpoint"] = "/plain"
config["endpoints"] = [endpoint, plain]
with open(sys.argv[2], "w") as file:
    json.dump(config, file)
print(endpoint["endpoint"])
PYTHON
) || exit 1

taskset -c 0 nice -n -15 bin/slice 100 bin/backend 18081 bodies >/dev/null &
backend=$!
taskset -c 1 "$binary" run -c "$folder/krakend.json" --workers 1 >"$folder/log" 2>&1 &
gateway=$!
tries=0
until curl -sf -o /dev/null "http://127.0.0.1:18080$path" && curl -sf -o /dev/null http://127.0.0.1:18080/plain; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] && kill -0 $gateway || { cat "$folder/log" >&2; exit 1; }
    sleep 0.05
done
worker=$(cat "/proc/$gateway/task/$gateway/children")
taskset -c 0 bin/slice 100 wrk -t1 -c32 "-d${SECONDS_LOAD:-60}s" -s ../../spec/bench/alternate.lua http://127.0.0.1:18080 \
    -- $worker /plain "$path" | sed -n "s/.* a request/$scenario: &/p"
