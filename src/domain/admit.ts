import { createHash, timingSafeEqual } from "node:crypto";
import type { Caller, RequestHead } from "./context.ts";
import { GatewayError } from "./errors.ts";
import type { Secret } from "./secret.ts";

/** Longest authorization header that is looked at. Characters; real keys are far shorter. */
const maxHeaderChars = 4096;

/** One space or more, as RFC 9110 writes credentials; a tab is not a space. The key is visible ASCII. */
const bearer = /^bearer {1,16}([\x21-\x7e]+)$/i;

/**
 * Decides who asks, from the head alone.
 * @param masterKey the key that every caller must show as `Authorization: Bearer …`; null lets everyone in as `open`
 * @returns a function that throws GatewayError `invalid_api_key`, always the same, whatever was wrong with the header
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
    const shown = bearerKey(head.header("authorization"));
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

/** The key of an authorization header; null when it is missing, repeated, too long or of another scheme. */
function bearerKey(header: string | readonly string[] | undefined): string | null {
  // Two credentials are refused even when one is right: a proxy in between may have checked the other.
  const value = typeof header === "string" ? header : header?.length === 1 ? header[0] : undefined;
  if (value === undefined || value.length > maxHeaderChars) return null;
  return bearer.exec(value)?.[1] ?? null;
}

function refusal(): GatewayError {
  return new GatewayError(
    "invalid_api_key",
    "The API key is missing or wrong. Send it as `Authorization: Bearer <key>`.",
    {
      retryable: false,
    },
  );
}
