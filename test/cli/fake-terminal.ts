import type { Terminal } from "../../src/cli/terminal.ts";

/** A terminal whose output is text to look at. */
export interface FakeTerminal extends Terminal {
  out(): string;
  err(): string;
  /** Presses Ctrl-C. */
  interrupt(): void;
}

export interface FakeTerminalOptions {
  readonly isTTY?: boolean;
  readonly input?: string;
  readonly env?: Record<string, string>;
  readonly folder?: string;
  /** Called with each text that is written to standard output. */
  onOutput?(text: string): void;
}

export function fakeTerminal(options: FakeTerminalOptions = {}): FakeTerminal {
  const { isTTY = false, input, env = {}, folder = "/nonexistent" } = options;
  const out: string[] = [];
  const err: string[] = [];
  const callbacks = new Set<() => void>();
  async function* read() {
    if (input !== undefined) yield new TextEncoder().encode(input);
  }
  return {
    stdout: {
      isTTY,
      write(text) {
        out.push(text);
        options.onOutput?.(text);
      },
    },
    stderr: { isTTY, write: (text) => err.push(text) },
    stdin: Object.assign(read(), { isTTY: input === undefined }),
    env,
    folder,
    onInterrupt(callback) {
      callbacks.add(callback);
      return () => void callbacks.delete(callback);
    },
    out: () => out.join(""),
    err: () => err.join(""),
    interrupt() {
      for (const callback of callbacks) callback();
    },
  };
}
