#!/bin/sh
# What a component costs: CPU per request of a scenario over that of the same endpoints without their extra_config,
# in one run, in us.
#
#   spec/bench/over-noop.sh build/release/cuttle [scenario]
#
# ROUNDS: 40 unless given, of two bursts of a second each. The machine's own scatter is ten times what is looked for,
# so the figure is the median over the rounds of the difference within a round.
binary=$(realpath "$1")
scenario=${2:-ratelimit-pass}
cd "$(dirname "$0")/../.." || exit 1
. spec/bench/prepare.sh
cd build/measure || exit 1
rounds=$(mktemp) || exit 1
trap 'rm -f "$rounds"' EXIT
OURS_BIN=$binary ./measure.sh ours,ours-noop "$scenario" --ref ours-noop --connections 32 --rounds "${ROUNDS:-40}" \
    2>"$rounds"
awk '
    /^# r[0-9]+ / { sub(/us/, "", $8); cpu[$2, $4] = $8; if (!($2 in seen)) { seen[$2]; order[++count] = $2 } }
    END {
        for (i = 1; i <= count; i++)
            if ((order[i], "ours") in cpu && (order[i], "ours-noop") in cpu)
                print cpu[order[i], "ours"] - cpu[order[i], "ours-noop"]
    }' "$rounds" | sort -n | awk '
    { value[NR] = $1 }
    END {
        if (NR == 0) { exit 1 }
        printf "\nover no-op: %.2f us (median of %d rounds; half of them from %.2f to %.2f)\n",
            value[int((NR + 1) / 2)], NR, value[int((NR + 3) / 4)], value[int((3 * NR + 3) / 4)]
    }' || { cat "$rounds" >&2; exit 1; }
