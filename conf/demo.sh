#!/bin/sh
# Starts the demo gateway and says what to try. It is its own upstream: see conf/demo.json.
binary=$1
cd "$(dirname "$0")/.." || exit 1
cat <<'TEXT'
The demo gateway listens on port 8080 (conf/demo.json). In another terminal:

  three backends in one answer        curl -i localhost:8080/users/7/page
  one backend, filtered and renamed   curl -i localhost:8080/users/7/card
  two requests a second, then 503     for i in 1 2 3 4; do curl -so /dev/null -w '%{http_code}\n' localhost:8080/limited; done
  a backend that fails: the third
  call finds its breaker open         for i in 1 2 3 4; do curl -s localhost:8080/fragile; echo; done
  through the example team's plugin   curl -i localhost:8080/team/7

Ctrl-C ends it.
TEXT
exec "$binary" run -c conf/demo.json
