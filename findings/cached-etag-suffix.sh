#!/usr/bin/env bash
# Apache's mod_deflate turns the tag "7" of a compressed 200 into "7-gzip" and leaves the "7" of a 304 alone; nginx and
# HAProxy turn it into W/"7". The server below answers as those behind such a proxy do: its 200 has one tag, its 304
# the other. RFC 9111, section 4.3.4: a 304 with a strong validator updates the stored response that has it, too.
#
# Guess before the first run: CacheControl, requests-cache and hishel (PyPI), got and make-fetch-happen (npm) take the
# stored body all the same and ask with the new tag the next time; undici (npm) was added without a guess.
# Seen: CacheControl, requests-cache and make-fetch-happen do. hishel and got (with "7-gzip") and undici (with W/"7" as
# well) drop what they stored: hishel and undici send the request again at once, so that each read costs two; got gives
# the stored body and has nothing the next time. With a server that repeats the tag of If-None-Match in its 304, no
# read costs two requests; undici then forgets the response after one revalidation, whatever its tag.
set -euo pipefail
work=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"

cat >server.py <<'PYTHON'
import http.server, sys

TAGS = {"suffix": ('"7-gzip"', '"7"'), "weak": ('W/"7"', '"7"'), "repeated": ('"7-gzip"', '"7-gzip"')}

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        asked = self.headers.get("If-None-Match")
        _, case, client = self.path.split("/")
        print(f"{client}, {case}: asked with {asked}", file=sys.stderr, flush=True)
        body = b"" if asked else b'{"name":"Ada"}'
        self.send_response(304 if asked else 200)
        self.send_header("ETag", TAGS[case][1 if asked else 0])
        self.send_header("Cache-Control", "private, no-cache")
        if body:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(listening.server_address[1], flush=True)
listening.serve_forever()
PYTHON
python3 server.py >port 2>asked &
server=$!

python3 -m venv venv
./venv/bin/pip install --quiet CacheControl==0.14.4 requests-cache==1.3.3 'hishel[httpx]==2.0.0' httpx==0.28.1
npm init --yes >/dev/null
npm install --silent got@14.6.6 make-fetch-happen@15.0.6 undici@7.30.2 >/dev/null 2>&1
cat >read.py <<'PYTHON'
import sys

import requests, requests_cache
from cachecontrol import CacheControl
from hishel import CacheOptions, SqliteStorage
from hishel.httpx import CacheClient

clients = {
    "CacheControl-0.14.4": CacheControl(requests.Session()),
    "requests-cache-1.3.3": requests_cache.CachedSession(backend="memory", cache_control=True),
    "hishel-2.0.0": CacheClient(storage=SqliteStorage(database_path="hishel.db"), rfc=CacheOptions(shared=False)),
}
for case in ["suffix", "weak", "repeated"]:
    for name, client in clients.items():
        for _ in range(3):
            answer = client.get(f"http://127.0.0.1:{sys.argv[1]}/{case}/{name}")
            assert (answer.status_code, answer.text) == (200, '{"name":"Ada"}'), answer
PYTHON
cat >read.mjs <<'NODE'
import assert from "assert";
import got from "got";
import fetch from "make-fetch-happen";
import undici from "undici";

const cache = new Map();
const dispatcher = new undici.Agent().compose(undici.interceptors.cache({ type: "private" }));
const clients = {
  "got-14.6.6": async (url) => (await got(url, { cache, cacheOptions: { shared: false } })).body,
  "make-fetch-happen-15.0.6": async (url) => (await fetch(url, { cachePath: "npm" })).text(),
  "undici-7.30.2": async (url) => (await undici.request(url, { dispatcher })).body.text(),
};
for (const kind of ["suffix", "weak", "repeated"]) {
  for (const [name, read] of Object.entries(clients)) {
    for (let turn = 0; turn < 3; turn++) {
      assert.equal(await read(`http://127.0.0.1:${process.argv[2]}/${kind}/${name}`), '{"name":"Ada"}');
    }
  }
}
process.exit(0);
NODE
./venv/bin/python read.py "$(cat port)"
node read.mjs "$(cat port)"
# One line for each client and case: the tags it asked with in three reads of one resource.
awk -F': asked with ' '{ seen[$1] = seen[$1] " " $2 } END { for (client in seen) print client ":" seen[client] }' asked | LC_ALL=C sort | tee seen

diff - seen <<'EXPECTED' && echo 'as recorded'
CacheControl-0.14.4, repeated: None "7-gzip" "7-gzip"
CacheControl-0.14.4, suffix: None "7-gzip" "7"
CacheControl-0.14.4, weak: None W/"7" "7"
got-14.6.6, repeated: None "7-gzip" "7-gzip"
got-14.6.6, suffix: None "7-gzip" None
got-14.6.6, weak: None W/"7" "7"
hishel-2.0.0, repeated: None "7-gzip" "7-gzip"
hishel-2.0.0, suffix: None "7-gzip" None "7-gzip" None
hishel-2.0.0, weak: None W/"7" "7"
make-fetch-happen-15.0.6, repeated: None "7-gzip" "7-gzip"
make-fetch-happen-15.0.6, suffix: None "7-gzip" "7"
make-fetch-happen-15.0.6, weak: None W/"7" "7"
requests-cache-1.3.3, repeated: None "7-gzip" "7-gzip"
requests-cache-1.3.3, suffix: None "7-gzip" "7"
requests-cache-1.3.3, weak: None W/"7" "7"
undici-7.30.2, repeated: None "7-gzip" None
undici-7.30.2, suffix: None "7-gzip" None "7-gzip" None
undici-7.30.2, weak: None W/"7" None W/"7" None
EXPECTED
