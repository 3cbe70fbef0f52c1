import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createFindings } from "../../src/config/findings.ts";
import { googleIdentity } from "../../src/config/finish-google.ts";
import { temporaryFolder } from "../tooling/repository.ts";

const { privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 1024,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
});
const account = {
  type: "service_account",
  client_email: "me@project.iam.gserviceaccount.com",
  private_key_id: "k1",
  private_key: privateKey,
  token_uri: "https://oauth2.googleapis.com/token",
};
const provider = { models: [], keys: [], headers: {}, http2: false, warm_connections: 0 };

function read(file: unknown) {
  using folder = temporaryFolder();
  const path = join(folder.path, "key.json");
  writeFileSync(path, typeof file === "string" ? file : JSON.stringify(file));
  const findings = createFindings({ GOOGLE_APPLICATION_CREDENTIALS: path });
  const identity = googleIdentity(provider, "https://aiplatform.googleapis.com", ["providers", "vertex"], findings);
  return { identity, problems: findings.problems.map(({ message }) => message.replace(path, "FILE")) };
}

it("a key file gives a service account, whose key does not print", () => {
  const { identity, problems } = read(account);
  expect(problems).toEqual([]);
  expect(identity).toMatchObject({ kind: "service_account", email: account.client_email, keyId: "k1" });
  expect(JSON.stringify(identity)).not.toContain("PRIVATE KEY");
});

it("a login gives a user", () => {
  const login = { type: "authorized_user", client_id: "c", client_secret: "s", refresh_token: "r" };
  expect(read(login).identity).toMatchObject({ kind: "user", tokenUri: "https://oauth2.googleapis.com/token" });
});

it.each([
  ["https://oauth2.googleapis.com.evil.example/token", false],
  ["https://evil.example/googleapis.com", false],
  ["http://oauth2.googleapis.com/token", false],
  ["https://europe-west4.googleapis.com/token", true],
  ["http://127.0.0.1:8090/token", true],
])("assertions go to Google alone: %s", (token_uri, allowed) => {
  const { identity, problems } = read({ ...account, token_uri });
  expect(identity !== null).toBe(allowed);
  expect(problems.join()).toContain(allowed ? "" : "token_uri is not Google's");
});

it.each([
  ["{", "is FILE, which is not JSON."],
  [{ type: "external_account" }, "others are not supported."],
  [{ ...account, private_key: "no key" }, "lacks client_email or a private_key that can be read."],
])("a file that cannot be used is told without its content", (file, expected) => {
  const { identity, problems } = read(file);
  expect(identity).toBeNull();
  expect(problems[0]).toContain(expected);
  expect(problems[0]).not.toContain('no key"');
});
