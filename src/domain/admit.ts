import { createHash, timingSafeEqual } from "node:crypto";
import type { Caller, RequestHead } from "./context.ts";
import { GatewayError } from "./errors.ts";
import type { Secret } from "./secret.ts";

/** Longest header with a key that is looked at. Characters; real keys are far shorter. */
const maxHeaderChars = 4096;

/** One space or more, as RFC 9110 writes credentials; a tab is not a space. The key is visible ASCII. */
const bearer = /^bearer {1,16}([\x21-\x7e]+)$/i;
const bare = /^([\x21-\x7e]+)$/;

/**
 * Headers that may show the key, as the SDKs of OpenAI, Anthropic and Google send theirs. An edge that keeps the
 * repetition of these keeps enough.
 */
export const credentialHeaders: readonly string[] = ["authorization", "x-api-key", "x-goog-api-key"];

/**
 * Decides who asks, from the head alone.
 * @param masterKey the key that every caller must show, as `Authorization: Bearer …` or as it is in another of
 * `credentialHeaders`; null lets everyone in as `open`
 * @returns a function that throws GatewayError `invalid_api_key`, always the same, whatever was wrong with the headers
 */
export function createAdmit(masterKey: Secret | null): (head: RequestHead) => Caller {
  if (masterKey === null) return () => open;
  const key = masterKey.reveal();
  const width = widthFor(Buffer.byteLength(key));
  const expected = Buffer.alloc(width);
  const given = Buffer.alloc(width);
  expected.write(key);
  const master: Caller = { name: "master", id: createHash("sha256").update(key).digest("base64url") };
  return (head) => {
    const shown = shownKey(head);
    if (shown === null || shown.length > width) throw refusal();
    // Both at full width, so that the comparison takes the same time however long a wrong key is and however much of it
    // is right. Digests would do as well, at 5 µs a request.
    given.fill(0);
    given.write(shown, "latin1");
    if (!timingSafeEqual(given, expected)) throw refusal();
    return master;
  };
}

/** Room for keys that are compared: a width that tells no more of the key's length than that it is an ordinary one. */
function widthFor(keyBytes: number): number {
  return Math.min(Math.ceil(keyBytes / minWidth) * minWidth, maxHeaderChars);
}

const minWidth = 256;

const open: Caller = Object.freeze({ name: "open", id: "open" });

/** The one key that a head shows; null when there is none, or more than one, or one that no key can look like. */
function shownKey(head: RequestHead): string | null {
  let shown: string | null = null;
  for (const name of credentialHeaders) {
    const header = head.header(name);
    // Clients with a place for either send the other one empty.
    if (header === undefined || (header === "" && name !== "authorization")) continue;
    const found = keyOf(header, name === "authorization" ? bearer : bare);
    // Two credentials are refused even when one is right: a proxy in between may have checked the other. The caller
    // wrote both, so that comparing them tells it nothing.
    if (found === null || (shown !== null && shown !== found)) return null;
    shown = found;
  }
  return shown;
}

/** The key of a header; null when it is repeated, too long or of another form. */
function keyOf(header: string | readonly string[], form: RegExp): string | null {
  const value = typeof header === "string" ? header : header.length === 1 ? header[0] : undefined;
  if (value === undefined || value.length > maxHeaderChars) return null;
  return form.exec(value)?.[1] ?? null;
}

function refusal(): GatewayError {
  return new GatewayError(
    "invalid_api_key",
    "The API key is missing or wrong. Send it as `Authorization: Bearer <key>`, `x-api-key` or `x-goog-api-key`, once.",
    {
      retryable: false,
    },
  );
}
