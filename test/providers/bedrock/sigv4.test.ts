import { describe, expect, it } from "vitest";
import { sign } from "../../../src/providers/bedrock/sigv4.ts";

const atMs = Date.parse("2015-08-30T12:36:00Z");
const signer = {
  accessKeyId: "AKIDEXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
  sessionToken: null,
  region: "us-east-1",
  service: "service",
};

interface Vector {
  readonly name: string;
  readonly method?: "POST";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly token?: string;
  readonly signature: string;
}

/** From the test suite that AWS published for Signature Version 4. */
const vectors: readonly Vector[] = [
  { name: "get-vanilla", path: "/", signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
  {
    name: "get-vanilla-query-order-key-case",
    path: "/?Param2=value2&Param1=value1",
    signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
  },
  {
    name: "get-vanilla-query-order-value",
    path: "/?Param1=value2&Param1=value1",
    signature: "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694",
  },
  {
    name: "get-vanilla-query-order-encoded",
    path: "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
    signature: "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
  },
  {
    name: "get-unreserved",
    path: "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    signature: "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
  },
  { name: "get-utf8", path: "/ሴ", signature: "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85" },
  {
    name: "get-vanilla-utf8-query",
    path: "/?ሴ=bar",
    signature: "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
  },
  {
    name: "get-header-value-trim",
    path: "/",
    headers: { "my-header1": " value1", "my-header2": ' "a   b   c"' },
    signature: "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
  },
  {
    name: "post-vanilla",
    method: "POST",
    path: "/",
    signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
  },
  {
    name: "post-x-www-form-urlencoded",
    method: "POST",
    path: "/",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: "Param1=value1",
    signature: "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
  },
  {
    name: "get-vanilla-with-session-token",
    path: "/",
    token: "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267",
    signature: "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8",
  },
  {
    name: "get-relative",
    path: "/example/..",
    signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
  },
  {
    name: "get-slashes",
    path: "//example//",
    signature: "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84",
  },
  {
    name: "get-space",
    path: "/example space/",
    signature: "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741",
  },
  {
    name: "get-slash-dot-slash",
    path: "/./",
    signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
  },
];

describe("a signature is the one that AWS published", () => {
  it.each(vectors)("$name", ({ method = "GET", path, headers = {}, body = "", token = null, signature }) => {
    const request = { method, host: "example.amazonaws.com", path, headers, body };
    const signed = sign(request, { ...signer, sessionToken: token }, atMs);
    expect(signed.authorization).toContain(`Signature=${signature}`);
    expect(signed["x-amz-date"]).toBe("20150830T123600Z");
    expect(signed["x-amz-security-token"]).toBe(token ?? undefined);
  });
});

it("a path that is encoded already is encoded once more, as every service but S3 wants it", () => {
  const request = { method: "POST", host: "h", headers: {}, body: "" };
  const once = sign({ ...request, path: "/model/a%3A0/converse" }, signer, atMs);
  const raw = sign({ ...request, path: "/model/a:0/converse" }, signer, atMs);
  expect(once.authorization).not.toBe(raw.authorization);
});
