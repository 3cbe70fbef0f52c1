import { all, type Feature, fine, need } from "../feature.ts";

/** No loss could excuse an error. */
const never = /^$/;

const failing = (fault: string, stream: boolean, got: Feature["got"]): Feature => ({
  ask: () => ({ say: "/words 20", stream, fault }),
  reached: fine,
  got,
  field: never,
});

export const failures = {
  "rate limit": failing("429,seconds=7", false, ({ error }) =>
    all(
      need(/rate_limit/.test(error?.code ?? ""), "its code"),
      need(error?.retryAfterSeconds === 7, "when to ask again"),
    ),
  ),
  overload: failing("503", false, ({ error }) => need(/overloaded|unavailable/.test(error?.code ?? ""), "its code")),
  "error in a stream": failing("error-event,after=3", true, ({ error }) =>
    all(
      need(error !== null, "an error"),
      need(error?.midway, "output before it"),
      need(error?.code !== "no_end", "its code"),
    ),
  ),
  "cut stream": failing("cut,after=3", true, ({ error }) =>
    all(
      need(error !== null, "an error"),
      need(error?.midway, "output before it"),
      need(error?.code !== "no_end", "its code"),
    ),
  ),
} satisfies Readonly<Record<string, Feature>>;
