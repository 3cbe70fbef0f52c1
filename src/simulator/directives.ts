/** What the last user message tells the simulator to answer; see docs/simulator.md. */
export interface Directives {
  /** The whole text of the answer. */
  readonly say: string | null;
  /** The text of a refusal. */
  readonly refuse: string | null;
  /** How many words to answer. */
  readonly words: number | null;
  /** How many words to reason, whether or not the request asks for reasoning. */
  readonly think: number | null;
  /** Tools to call, in this order. */
  readonly calls: readonly DirectedCall[];
}

export interface DirectedCall {
  readonly name: string;
  /** Text of the arguments, taken as it stands; null lets the simulator make some up. */
  readonly input: string | null;
}

/** More than any context window; a longer answer is a mistake in the test. */
const maxWords = 200_000;

/** Directives stand at the beginning of a line; `/say` and `/refuse` take everything that follows, lines included. */
export function parseDirectives(text: string): Directives {
  return {
    say: /^\/say (.*)$/ms.exec(text)?.[1] ?? null,
    refuse: /^\/refuse (.*)$/ms.exec(text)?.[1] ?? null,
    words: numberAfter("words", text),
    think: numberAfter("think", text),
    calls: [...text.matchAll(/^\/call (\S+)(?: (.*))?$/gm)].map(([, name = "", input]) => ({
      name,
      input: input ?? null,
    })),
  };
}

function numberAfter(name: string, text: string): number | null {
  const digits = new RegExp(`^/${name} (\\d{1,9})\\s*$`, "m").exec(text)?.[1];
  return digits === undefined ? null : Math.min(Number(digits), maxWords);
}
