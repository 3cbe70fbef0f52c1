import { describe, expect, it } from "vitest";
import { maxRepeatedLength, retryAfterMs, scrubbed } from "../../src/dialects/upstream-errors.ts";

describe("retry advice", () => {
  it.each([
    [{ "retry-after": "34" }, 34_000],
    [{ "retry-after": "0.25" }, 250],
    [{ "retry-after-ms": "120", "retry-after": "9" }, 120],
    [{ "retry-after": "Mon, 23 Nov 2026 13:00:30 GMT", date: "Mon, 23 Nov 2026 13:00:00 GMT" }, 30_000],
    [{ "retry-after": "Mon, 23 Nov 2026 12:00:00 GMT", date: "Mon, 23 Nov 2026 13:00:00 GMT" }, 0],
    [{ "retry-after": "99999999999" }, 86_400_000],
  ])("%j is %d ms", (headers, expected) => {
    expect(retryAfterMs(headers)).toBe(expected);
  });

  it.each([
    [{}],
    [{ "retry-after": "" }],
    [{ "retry-after": "soon" }],
    [{ "retry-after": "-1" }],
    [{ "retry-after": "NaN" }],
    [{ "retry-after": "Mon, 23 Nov 2026 13:00:30 GMT" }],
  ])("%j says nothing", (headers) => {
    expect(retryAfterMs(headers)).toBeUndefined();
  });
});

describe("a provider's words", () => {
  it("lose the account's name", () => {
    const text = "Rate limit reached for gpt-4o in organization org-AbCdEfGh12345678 on project proj_0123456789abcdef.";
    expect(scrubbed(text)).toBe("Rate limit reached for gpt-4o in organization [account] on project [account].");
  });

  it.each([
    "Incorrect API key provided: sk-proj-abc***xyz9.",
    "invalid x-api-key sk-ant-api03-AbCdEfGh",
    "x-api-key: abcd1234efgh",
    'headers {"authorization": "Bearer abc.def.ghi"}',
    "Authorization: Basic dXNlcjpwYXNz",
    "key AIzaSyA1234567890abcdef is bad",
    "token=eyJhbGciOiJIUzI1NiJ9.e30.abc",
    "api_key = 'hunter2hunter2'",
  ])("lose their credential: %s", (text) => {
    const clean = scrubbed(text);
    expect(clean).toContain("[secret]");
    expect(clean).not.toMatch(/xyz9|AbCdEfGh|abcd1234|abc\.def|dXNlcjpwYXNz|SyA123|eyJ|hunter2/);
  });

  it("are otherwise kept", () => {
    const text = "prompt is too long: 210000 tokens > 200000 maximum (req_011CSHoEeqs5C35K2UUqR7Fy)";
    expect(scrubbed(text)).toBe(text);
  });

  it("are bounded, also when they are endless", () => {
    expect(scrubbed("a".repeat(5_000_000))).toHaveLength(maxRepeatedLength + 1);
  });
});
