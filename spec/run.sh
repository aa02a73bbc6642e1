#!/bin/sh
# Everything that must hold, one step after the other; the last line sums it up: N passed, N failed.
#
# Each step's output goes to build/test/; what failed is printed.
cd "$(dirname "$0")/.." || exit 1
mkdir -p build/test
passed=0 failed=0 skipped=0

count() { # name, exit code: takes "N passed, N failed[, N skipped]" from the step's output, or counts it as one
    log=build/test/$1.log
    summary=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$log" | tail -1)
    if [ -n "$summary" ]; then
        p=$(echo "$summary" | sed -E 's/^([0-9]+) passed.*/\1/')
        f=$(echo "$summary" | sed -E 's/.* ([0-9]+) failed.*/\1/')
        s=$(echo "$summary" | sed -nE 's/.* ([0-9]+) skipped.*/\1/p')
        [ "$2" -ne 0 ] && [ "$f" -eq 0 ] && f=1
    else
        p=0 f=1 s=0
        [ "$2" -eq 0 ] && p=1 f=0
    fi
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + ${s:-0}))
    if [ "$2" -ne 0 ] || [ "$f" -gt 0 ]; then
        grep -vE '^(gcc|clang) ' "$log" | tail -200
        echo "== $1: failed"
    else
        echo "== $1: ${summary:-ok}"
    fi
}

step() { # name command...
    name=$1
    shift
    "$@" >"build/test/$name.log" 2>&1
    count "$name" $?
}

step build make -j"$(nproc)" all
step build-asan make -j"$(nproc)" MODE=asan all
step lint make lint
step specs build/release/cuttle test spec conf/team
export ASAN_OPTIONS=detect_leaks=0 CUTTLE_BIN=build/asan/cuttle
step specs-asan build/asan/cuttle test spec conf/team
if [ "$skipped" -gt 0 ]; then
    echo "$passed passed, $failed failed, $skipped skipped"
else
    echo "$passed passed, $failed failed"
fi
[ "$failed" -eq 0 ]
