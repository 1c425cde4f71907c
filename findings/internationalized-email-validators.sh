#!/usr/bin/env bash
# Internationalized addresses (RFC 6531). A Persian domain needs a ZERO WIDTH NON-JOINER, which IDNA 2008 allows
# there (RFC 5892, appendix A.1). A local part is limited to 64 octets (RFC 5321, section 4.5.3.1.1): 33 letters of two
# octets are too many.
#
# Guess before the first run: isemail, validator, email-addresses (npm) and email-validator (PyPI) accept the
# first and refuse the second.
# Seen: email-validator refuses the Persian domain as unsafe. email-validator and email-addresses accept 66 octets.
# A directory that counts octets refuses an address that such a sign-up form has accepted.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -c 'import json
print(json.dumps({"Persian domain": "a@\u0646\u0627\u0645\u0647\u200c\u0627\u06cc.com", "66 octets": "\u00e9" * 33 + "@example.com"}))' >addresses.json
npm init --yes >/dev/null
npm install --silent isemail@3.2.0 validator@13.15.26 email-addresses@5.0.0 >/dev/null 2>&1
cat >check.js <<'NODE'
const addresses = JSON.parse(require("fs").readFileSync("addresses.json"));
const checks = {
  "isemail 3.2.0": (address) => require("isemail").validate(address),
  "validator 13.15.26": (address) => require("validator").isEmail(address),
  "email-addresses 5.0.0": (input) => !!require("email-addresses").parseOneAddress({ input, rfc6532: true }),
};
for (const [library, check] of Object.entries(checks)) {
  for (const [name, address] of Object.entries(addresses)) console.log(`${library}, ${name}: ${check(address)}`);
}
NODE
node check.js | tee seen
python3 -m venv venv
./venv/bin/pip install --quiet email-validator==2.4.0
cat >check.py <<'PYTHON'
import json
from email_validator import EmailNotValidError, validate_email

for name, address in json.load(open("addresses.json")).items():
    try:
        validate_email(address, check_deliverability=False)
        print(f"email-validator 2.4.0, {name}: true")
    except EmailNotValidError as error:
        print(f"email-validator 2.4.0, {name}: {error}")
PYTHON
./venv/bin/python check.py | tee -a seen

diff - seen <<'EXPECTED' && echo 'as recorded'
isemail 3.2.0, Persian domain: true
isemail 3.2.0, 66 octets: false
validator 13.15.26, Persian domain: true
validator 13.15.26, 66 octets: false
email-addresses 5.0.0, Persian domain: true
email-addresses 5.0.0, 66 octets: true
email-validator 2.4.0, Persian domain: The email address contains unsafe characters: ZERO WIDTH NON-JOINER.
email-validator 2.4.0, 66 octets: true
EXPECTED
