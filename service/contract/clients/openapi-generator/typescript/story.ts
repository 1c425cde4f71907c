// The story of every generated client (see ../../README.md), by the client that openapi-generator generates for
// TypeScript (typescript-fetch), run by Node.js.
import assert from "node:assert/strict";
import { Configuration, ResponseError, UserStatus, UsersApi } from "./api/index.js";

const api = new UsersApi(
  new Configuration({ basePath: process.env.ROSTER_URL, accessToken: process.env.ROSTER_TOKEN }),
);

async function refused(call: Promise<unknown>, status: number, slug: string): Promise<Response> {
  try {
    await call;
  } catch (error) {
    assert(error instanceof ResponseError, String(error));
    const problem = await error.response.json();
    assert.deepEqual([error.response.status, problem.type], [status, `/problems/${slug}`]);
    assert.equal(problem.request_id, error.response.headers.get("X-Request-Id"));
    return error.response;
  }
  throw new Error(`${slug} was expected`);
}

const newUser = { email: "ada@ts.example", name: "Ada Lovelace", phone: "+442071234567", department: "og-typescript" };
const created = await api.createUserRaw({ newUser, idempotencyKey: "og-typescript-1" });
assert.equal(created.raw.status, 201);
const user = await created.value();
const tag = created.raw.headers.get("ETag")!;
assert.deepEqual([user.phone, user.title, user.status], ["+442071234567", null, UserStatus.Active]);
await refused(api.createUser({ newUser }), 409, "email-taken");
await refused(api.createUser({ newUser: { email: "ada", name: "Ada" } }), 422, "validation-failed");

const read = await api.readUserRaw({ id: user.id });
assert.deepEqual(await read.value(), user);
assert.equal(read.raw.headers.get("ETag"), tag);

const userPatch = { title: "Analyst", phone: null };
const patched = await api.patchUserRaw({ id: user.id, userPatch, ifMatch: tag });
const after = await patched.value();
assert.deepEqual([after.title, after.phone], ["Analyst", null]);
assert.notEqual(patched.raw.headers.get("ETag"), tag);
await refused(api.patchUser({ id: user.id, userPatch, ifMatch: tag }), 412, "precondition-failed");

const page = await api.listUsers({ department: "og-typescript", limit: 1 });
assert.deepEqual(page, { items: [after], next: null });
const changes = await api.readChanges({});
assert(changes.items.some((change) => change.id === user.id));

assert.equal((await api.deleteUserRaw({ id: user.id })).raw.status, 204);
await refused(api.readUser({ id: user.id }), 404, "user-not-found");
console.log("the story is complete");
