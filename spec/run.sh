#!/bin/sh
# Everything that must hold, one step after the other; the last line sums it up: N passed, N failed.
#
# A step says one line, and what failed in it. Its whole output is in build/test/.
cd "$(dirname "$0")/.." || exit 1
mkdir -p build/test
unset MAKEFLAGS MAKELEVEL # each make below is one of its own, with jobs of its own
passed=0 failed=0 skipped=0

# The number before a word in a step's last line "N passed, N failed[, N skipped]".
number() { # line, word
    echo "$1" | sed -nE "s/.*\b([0-9]+) $2.*/\1/p"
}

# Adds up what a step's last line counts; a step that counts nothing is one by itself.
count() { # line, exit code
    p=$(number "$1" passed) f=$(number "$1" failed) s=$(number "$1" skipped)
    if [ -z "$1" ]; then
        [ "$2" -eq 0 ] && p=1 || f=1
    elif [ "$2" -ne 0 ] && [ "$f" -eq 0 ]; then
        f=1
    fi
    passed=$((passed + ${p:-0})) failed=$((failed + ${f:-0})) skipped=$((skipped + ${s:-0}))
}

step() { # name command...
    name=$1 log=build/test/$1.log start=$(date +%s)
    shift
    "$@" >"$log" 2>&1 </dev/null
    code=$?
    summary=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$log" | tail -1)
    before=$failed
    count "$summary" "$code"
    if [ "$failed" -gt "$before" ]; then
        grep -vE '^  (cc|link) ' "$log" | tail -n 300
        echo "== $name: failed with exit code $code, see $log"
    else
        grep '^skipped: ' "$log"
        echo "== $name: ${summary:-ok} ($(($(date +%s) - start)) s)"
    fi
    return "$code"
}

if step build make all; then
    step specs build/release/cuttle test --timeout=5m spec conf/team
fi
if step build-asan make MODE=asan all; then
    export ASAN_OPTIONS=detect_leaks=0 CUTTLE_BIN=build/asan/cuttle
    step specs-asan build/asan/cuttle test --timeout=5m spec conf/team
    for room in net http gateway script; do # one by one: the collector goes through all that is loaded
        step "specs-collected-$room" build/asan/cuttle test --timeout=5m --collect "spec/core/$room"
    done
fi
step lint make lint

if [ "$skipped" -gt 0 ]; then
    echo "$passed passed, $failed failed, $skipped skipped"
else
    echo "$passed passed, $failed failed"
fi
[ "$failed" -eq 0 ]
