# An adapter of the harness: our gateway with the scenario's configuration, less what its endpoints configure beyond the
# proxy. What a component costs is the difference to this one.
case $1 in
supports) [[ -x ${OURS_BIN:-/nonexistent} ]] ;;
config)
    python3 - "$KRAKEND_JSON" "$RUNDIR/ours-noop.json" <<'PYTHON'
import json, sys

with open(sys.argv[1]) as file:
    config = json.load(file)
for endpoint in config["endpoints"]:
    endpoint.pop("extra_config", None)
with open(sys.argv[2], "w") as file:
    json.dump(config, file)
PYTHON
    ;;
exec) cd "$MEASURE_DIR" && exec "$OURS_BIN" run -c "$RUNDIR/ours-noop.json" ;;
esac
