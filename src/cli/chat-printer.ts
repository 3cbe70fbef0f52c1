import type { ChatPiece } from "./chat-client.ts";
import { painter, safeFor, type Terminal } from "./terminal.ts";

/** Shows an answer while it comes. */
export interface ChatPrinter {
  show(piece: ChatPiece): void;
  /** Ends the answer's line, and says on standard error who served it and what it used. Also after a failure. */
  end(): void;
}

/** The answer goes to standard output, and nothing else: `trunkline chat … > file` holds the answer alone. */
export function createPrinter({ stdout, stderr, env }: Pick<Terminal, "stdout" | "stderr" | "env">): ChatPrinter {
  const paint = painter(stdout, env);
  const paintAside = painter(stderr, env);
  const facts: { served?: string; usage?: string; finished?: string } = {};
  let last: "text" | "reasoning" | "refusal" | null = null;
  let endsLine = true;

  function showText(kind: "text" | "reasoning" | "refusal", raw: string): void {
    // A file gets the answer, not how the model came to it.
    if (kind === "reasoning" && stdout.isTTY !== true) return;
    const text = safeFor(stdout, raw);
    if (last !== null && last !== kind) stdout.write(endsLine ? "\n" : "\n\n");
    stdout.write(kind === "text" ? text : paint(kind === "reasoning" ? "dim" : "yellow", text));
    last = kind;
    endsLine = text.endsWith("\n");
  }

  return {
    show(piece) {
      switch (piece.kind) {
        case "text":
        case "reasoning":
        case "refusal":
          return showText(piece.kind, piece.text);
        case "notice":
          stderr.write(`${paintAside("yellow", safeFor(stderr, piece.text))}\n`);
          return;
        case "served":
          facts.served = `${piece.by}${piece.simulated ? " (simulated)" : ""}`;
          return;
        case "usage":
          facts.usage = `${piece.inputTokens ?? "?"} tokens in, ${piece.outputTokens ?? "?"} out`;
          return;
        case "finished":
          if (piece.reason !== "stop") facts.finished = `ended by ${piece.reason}`;
      }
    },
    end() {
      if (!endsLine) stdout.write("\n");
      const line = [facts.served, facts.usage, facts.finished].filter((fact) => fact !== undefined).join(" · ");
      if (line !== "") stderr.write(`${paintAside("dim", safeFor(stderr, `— ${line}`))}\n`);
    },
  };
}
