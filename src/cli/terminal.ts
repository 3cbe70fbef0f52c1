import { styleText } from "node:util";

/** Text in and out of a command. */
export interface Terminal {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly stdin: AsyncIterable<Uint8Array | string> & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The working directory. */
  readonly folder: string;
  /** Calls back on Ctrl-C instead of ending the process. The returned function ends that. */
  onInterrupt(callback: () => void): () => void;
}

export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

/** The terminal of this process. */
export function terminalOf(process: NodeJS.Process): Terminal {
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    stdin: process.stdin,
    env: process.env,
    folder: process.cwd(),
    onInterrupt(callback) {
      process.on("SIGINT", callback);
      return () => void process.off("SIGINT", callback);
    },
  };
}

export type Style = "dim" | "bold" | "red" | "yellow" | "cyan";

/** Styles text where colours are wanted: on a terminal, unless NO_COLOR (no-color.org) or a dumb terminal says no. */
export function painter(output: Output, env: Terminal["env"]): (style: Style, text: string) => string {
  const wanted = output.isTTY === true && !env.NO_COLOR && env.TERM !== "dumb";
  return wanted ? (style, text) => styleText(style, text, { validateStream: false }) : (_, text) => text;
}

/**
 * Text from elsewhere, such as a model's answer, for an output. A terminal gets it without control characters other
 * than line feeds and tabs: escape sequences could rewrite what is on the screen. Files get it as it is.
 */
export function safeFor(output: Output, text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
  return output.isTTY === true ? text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "") : text;
}
