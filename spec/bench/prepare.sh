# Sourced by what runs the harness, at the tree's root: a copy of it that is built, in build/measure, with our adapters.
if [ ! -d ../shared/measure ]; then
    echo "the harness is not there: ../shared/measure" >&2
    exit 1
fi
conf/install-packages.sh curl nginx haproxy libnginx-mod-http-lua lua-cjson wrk libhttp-parser-dev || exit 1
if [ ! -d build/measure ]; then
    cp -r ../shared/measure build/measure && chmod -R u+w build/measure && (cd build/measure && ./build.sh) >/dev/null
fi
cp spec/bench/ours-noop.sh build/measure/adapters/
