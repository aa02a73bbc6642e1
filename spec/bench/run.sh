#!/bin/sh
# CPU per request beside nginx, HAProxy and nginx's Lua module, by the method of the harness in ../shared/measure.
#
#   spec/bench/run.sh build/release/cuttle [scenario,...]
#
# CONNECTIONS: 32 unless given, or a list. GATEWAYS: those beside ours, the first is the one that ratios are taken
# against; ours-noop is our gateway again, without the endpoints' extra_config. It takes some ten minutes.
#
# Needs the Debian packages nginx, haproxy, libnginx-mod-http-lua, lua-cjson and wrk, and two CPUs.
binary=$(realpath "$1")
scenarios=${2:-noop-200,noop-200-hdr,noop-5k,json-5k,json-100k,json-100k-allow3,agg-3,ratelimit-pass,idle-1000}
cd "$(dirname "$0")/../.." || exit 1
. spec/bench/prepare.sh
cd build/measure || exit 1
others=${GATEWAYS:-nginx,haproxy,nginx-lua,httpfloor,jsonfloor}
OURS_BIN=$binary ./measure.sh "ours,$others" "$scenarios" --ref "${others%%,*}" --connections "${CONNECTIONS:-32}"
