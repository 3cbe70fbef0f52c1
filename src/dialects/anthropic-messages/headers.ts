/** Headers of the caller that say how its body is meant: they go on to Anthropic, and to nobody else. */
const forwarded = ["anthropic-version", "anthropic-beta"];

const maxValueChars = 4_096;

/** @param header one value of a header by its lower-case name */
export function forwardedHeaders(header: (name: string) => string | undefined): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const name of forwarded) {
    const value = header(name);
    // What is no header value that Anthropic could know is not worth its answer.
    if (value !== undefined && value.length <= maxValueChars && /^[\x20-\x7e]+$/.test(value)) headers[name] = value;
  }
  return headers;
}

/** Names in an `anthropic-beta` header. */
export function toBetas(header: string | undefined): readonly string[] {
  const names = (header ?? "").split(",").map((name) => name.trim());
  return [...new Set(names.filter((name) => /^[a-z0-9._-]{1,128}$/i.test(name)))].slice(0, maxBetas);
}

/** As many as the contract's options may name. */
const maxBetas = 32;
