import { inspect } from "node:util";

/**
 * A key, token or password. It prints, logs and serialises as `[secret]`; only providers/send.ts, what signs for it and edges/ call
 * `reveal`, at the moment of use.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return "[secret]";
  }

  toJSON(): string {
    return "[secret]";
  }

  [inspect.custom](): string {
    return "[secret]";
  }
}
