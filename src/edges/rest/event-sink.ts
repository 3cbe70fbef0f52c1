import type { Clock } from "../../domain/clock.ts";
import type { Reply } from "../http.ts";

export interface EventSinkOptions {
  readonly res: Reply;
  readonly clock: Clock;
  /** Longest silence. Milliseconds. */
  readonly keepaliveMs: number;
  /** What breaks a silence: an event-stream comment. */
  readonly comment: string;
  /** Aborts when the caller is gone or its time is up: a waiting write is let go then. */
  readonly signal: AbortSignal;
  /** Sends the response's head. */
  readonly onOpen: () => void;
  readonly onEnd: () => void;
}

/**
 * The writing end of an event stream. The head waits for the first text, so that a failure before it is still an
 * ordinary error and the head can say who answers; when the wait grows long, a comment goes first (design 15.3).
 */
export class EventSink {
  readonly #options: EventSinkOptions;
  #state: "closed" | "open" | "ended" = "closed";
  #blocked = false;
  #spokeMs: number;
  #cancelTimer: () => void = () => {};

  constructor(options: EventSinkOptions) {
    this.#options = options;
    this.#spokeMs = options.clock.nowMs();
    this.#watchSilence(options.keepaliveMs);
  }

  /** Whether the head has been sent. */
  get opened(): boolean {
    return this.#state !== "closed";
  }

  /** Writes events. A promise asks the writer to wait until the caller has read what was written before. */
  write(text: string): Promise<void> | undefined {
    if (this.#state === "ended") return undefined;
    this.#open();
    const { res, clock } = this.#options;
    this.#spokeMs = clock.nowMs();
    return res.write(text) ? undefined : this.#drained();
  }

  /** Writes the last events and ends the stream. */
  end(text: string): void {
    if (this.#state === "ended") return;
    this.#open();
    this.#state = "ended";
    this.#cancelTimer();
    const { res, onEnd } = this.#options;
    onEnd();
    // Never an empty text: when it ends several that wait together, Node's HTTP/2 takes it for the end of them all, frees
    // them, and sends what is in that memory by then.
    if (text === "") res.end();
    else res.end(text);
  }

  /** Stops breaking silences. For streams that end as an ordinary error, or whose reader is gone. */
  stop(): void {
    this.#cancelTimer();
  }

  #open(): void {
    if (this.#state !== "closed") return;
    this.#state = "open";
    this.#options.onOpen();
  }

  /** One timer that looks back when it fires, instead of one that is set anew at each event. */
  #watchSilence(delayMs: number): void {
    const { clock, keepaliveMs, comment } = this.#options;
    this.#cancelTimer = clock.after(delayMs, () => {
      const restMs = this.#spokeMs + keepaliveMs - clock.nowMs();
      if (restMs > 0) return this.#watchSilence(restMs);
      // A reader that is behind has enough to read.
      if (!this.#blocked) void this.write(comment);
      this.#watchSilence(keepaliveMs);
    });
  }

  #drained(): Promise<void> {
    const { res, signal } = this.#options;
    if (signal.aborted) return Promise.resolve();
    this.#blocked = true;
    return new Promise((resolve) => {
      const go = () => {
        this.#blocked = false;
        res.off("drain", go);
        signal.removeEventListener("abort", go);
        resolve();
      };
      res.once("drain", go);
      signal.addEventListener("abort", go, { once: true });
    });
  }
}
