#!/usr/bin/env bash
# Four PATCH requests whose results RFC 7644 decides: a path is case-insensitive (section 2.1 of RFC 7643), a new
# primary value makes the former one not primary (3.5.2), a value that is there already is not added again
# (3.5.2.1), and replacing through a value filter that matches nothing is refused with noTarget (3.5.2.3).
#
# Guess before the first run: scim-patch, scimmy (npm) and scim2-models (PyPI) follow all four.
# Seen: scim2-models does. scim-patch stores "Title" beside "title", keeps two primary values, and creates a value
# for the filter that matched nothing; scimmy refuses "Title", keeps two primary values, and adds the same value twice.
# What a client's library does to its own copy does not show what the server stores: read it back.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat >requests.json <<'JSON'
{"capitals": {"op": "replace", "path": "Title", "value": "Lead"},
 "new primary": {"op": "add", "path": "emails", "value": [{"type": "home", "value": "b@example.com", "primary": true}]},
 "same again": {"op": "add", "path": "emails", "value": [{"type": "work", "value": "a@example.com", "primary": true}]},
 "no match": {"op": "replace", "path": "emails[type eq \"other\"].value", "value": "c@example.com"}}
JSON
cat >user.json <<'JSON'
{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "a", "title": "Clerk",
 "emails": [{"type": "work", "value": "a@example.com", "primary": true}]}
JSON

npm init --yes >/dev/null
npm install --silent scim-patch@0.8.3 scimmy@1.3.5 >/dev/null 2>&1
cat >apply.mjs <<'NODE'
import { readFileSync } from "node:fs";
import { scimPatch } from "scim-patch";
import SCIMMY from "scimmy";

const read = (name) => JSON.parse(readFileSync(name));
const message = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const appliers = {
  "scim-patch 0.8.3": (operation) => scimPatch(read("user.json"), [operation]),
  "scimmy 1.3.5": (operation) =>
    new SCIMMY.Messages.PatchOp({ schemas: [message], Operations: [operation] }).apply(
      new SCIMMY.Schemas.User(read("user.json")),
    ),
};
for (const [library, apply] of Object.entries(appliers)) {
  for (const [name, operation] of Object.entries(read("requests.json"))) {
    try {
      const { title, Title, emails } = await apply(operation);
      console.log(`${library}, ${name}:`, JSON.stringify({ title, Title, emails }));
    } catch (error) {
      console.log(`${library}, ${name}: refused, ${error.scimType}`);
    }
  }
}
NODE
node apply.mjs | tee seen
python3 -m venv venv
./venv/bin/pip install --quiet scim2-models==0.12.3
cat >apply.py <<'PYTHON'
import json
from scim2_models import PatchOp, User

for name, operation in json.load(open("requests.json")).items():
    user = User.model_validate(json.load(open("user.json")))
    message = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]}
    try:
        PatchOp[User].model_validate(message).patch(user)
        fields = {name: user.model_dump().get(name) for name in ("title", "emails")}
        print(f"scim2-models 0.12.3, {name}:", json.dumps(fields, separators=(",", ":")))
    except Exception as error:
        print(f"scim2-models 0.12.3, {name}: refused, {type(error).__name__}")
PYTHON
./venv/bin/python apply.py | tee -a seen

diff - seen <<'EXPECTED' && echo 'as recorded'
scim-patch 0.8.3, capitals: {"title":"Clerk","Title":"Lead","emails":[{"type":"work","value":"a@example.com","primary":true}]}
scim-patch 0.8.3, new primary: {"title":"Clerk","emails":[{"type":"work","value":"a@example.com","primary":true},{"type":"home","value":"b@example.com","primary":true}]}
scim-patch 0.8.3, same again: {"title":"Clerk","emails":[{"type":"work","value":"a@example.com","primary":true}]}
scim-patch 0.8.3, no match: {"title":"Clerk","emails":[{"type":"work","value":"a@example.com","primary":true},{"type":"other","value":"c@example.com"}]}
scimmy 1.3.5, capitals: refused, invalidPath
scimmy 1.3.5, new primary: {"title":"Clerk","emails":[{"value":"a@example.com","type":"work","primary":true},{"type":"home","value":"b@example.com","primary":true}]}
scimmy 1.3.5, same again: {"title":"Clerk","emails":[{"value":"a@example.com","type":"work","primary":true},{"type":"work","value":"a@example.com","primary":true}]}
scimmy 1.3.5, no match: refused, noTarget
scim2-models 0.12.3, capitals: {"title":"Lead","emails":[{"value":"a@example.com","type":"work","primary":true}]}
scim2-models 0.12.3, new primary: {"title":"Clerk","emails":[{"value":"a@example.com","type":"work","primary":false},{"value":"b@example.com","type":"home","primary":true}]}
scim2-models 0.12.3, same again: {"title":"Clerk","emails":[{"value":"a@example.com","type":"work","primary":true}]}
scim2-models 0.12.3, no match: refused, NoTargetException
EXPECTED
