// Answers the cases of a file, one JSON document a line, with scim2-parse-filter and scim-patch: true or false for each
// resource, the patched resource, or null for a refusal.
const { readFileSync } = require("node:fs");
const { filter, parse } = require("scim2-parse-filter");
const { patchBodyValidation, scimPatch } = require("scim-patch");

function answer(test) {
  try {
    if (test.filter !== undefined) {
      const matches = filter(parse(test.filter));
      return test.resources.map((resource) => matches(resource));
    }
    patchBodyValidation(test.body);
    return scimPatch(test.resource, test.body.Operations, {
      mutateDocument: false,
      treatMissingAsAdd: test.treatMissingAsAdd,
    });
  } catch (error) {
    return null;
  }
}

const lines = readFileSync(process.argv[2], "utf8").trimEnd().split("\n");
process.stdout.write(lines.map((line) => JSON.stringify(answer(JSON.parse(line))) + "\n").join(""));
