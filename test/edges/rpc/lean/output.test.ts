import { describe, expect, it } from "vitest";
import { Output } from "../../../../src/edges/rpc/lean/output.ts";
import { createRandom } from "../../../tooling/random.ts";

/** Text of every width that UTF-8 has, half pairs among it. */
const letters = [
  "a",
  "z",
  "\u007f",
  "\u0080",
  "é",
  "߿",
  "ࠀ",
  "€",
  "￿",
  "👋",
  "\u{10ffff}",
  "\ud83d",
  "\udc4b",
  "\u0000",
];
/** Lengths around what is copied here, and around the memory that is allocated at once. */
const lengths = [0, 1, 2, 15, 16, 17, 42, 43, 47, 48, 49, 50, 300, 5_000, 21_800, 65_530, 65_536, 70_000];
const slabBytes = 64 * 1024;

/** What an output should hold, written as plainly as can be. */
class Model {
  held = Buffer.alloc(0);
  #message = 0;

  append(bytes: Uint8Array): void {
    this.held = Buffer.concat([this.held, bytes]);
  }
  open(): void {
    this.#message = this.held.length;
    this.append(Buffer.alloc(5));
  }
  close(flags: number): void {
    this.held.writeUInt8(flags, this.#message);
    this.held.writeUInt32BE(this.held.length - this.#message - 5, this.#message + 1);
  }
  undo(): void {
    this.held = this.held.subarray(0, this.#message);
  }
  take(): Buffer {
    const { held } = this;
    this.held = Buffer.alloc(0);
    return held;
  }
}

function pick<T>(random: () => number, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)] as T;
}

function textOf(random: () => number): string {
  const length = random() < 0.8 ? pick(random, lengths.slice(0, 13)) : pick(random, lengths);
  if (random() < 0.4) return pick(random, letters).repeat(length);
  return Array.from({ length: Math.min(length, 500) }, () => pick(random, letters)).join("");
}

/** Writes the same to both: text, bytes, or byte by byte as writers of messages do. */
function write(random: () => number, output: Output, model: Model): void {
  const kind = random();
  if (kind < 0.6) {
    const text = textOf(random);
    output.text(text);
    model.append(new TextEncoder().encode(text));
    return;
  }
  const bytes = Buffer.alloc(pick(random, lengths), Math.floor(random() * 256));
  if (kind < 0.9 || bytes.length > 50) output.append(bytes);
  else {
    output.reserve(bytes.length);
    for (const byte of bytes) output.bytes[output.at++] = byte;
  }
  model.append(bytes);
}

function message(random: () => number, output: Output, model: Model): void {
  output.open();
  model.open();
  for (let parts = Math.floor(random() * 4); parts > 0; parts--) write(random, output, model);
  if (random() < 0.1) {
    output.undo();
    model.undo();
    return;
  }
  const flags = pick(random, [0, 0, 2, 0x80]);
  output.close(flags);
  model.close(flags);
}

describe("output", () => {
  it.each(Array.from({ length: 40 }, (_, seed) => seed))("holds what a list of bytes would: seed %i", (seed) => {
    const random = createRandom(seed * 7_919 + 1);
    const output = new Output();
    const model = new Model();
    const taken: { readonly bytes: Buffer; readonly wanted: Buffer }[] = [];
    for (let step = 0; step < 150; step++) {
      const kind = random();
      if (kind < 0.6) message(random, output, model);
      else if (kind < 0.7) write(random, output, model);
      else if (kind < 0.75) {
        output.clear();
        model.take();
      } else taken.push({ bytes: output.take(), wanted: model.take() });
    }
    taken.push({ bytes: output.take(), wanted: model.take() });
    // Looked at in the end: what was taken is never written again.
    expect(taken.findIndex(({ bytes, wanted }) => !bytes.equals(wanted))).toBe(-1);
    expect(output.take().length).toBe(0);
  });

  it.each(Array.from({ length: 12 }, (_, i) => slabBytes - 6 + i))("keeps a message that ends at byte %i", (end) => {
    const output = new Output();
    output.append(Buffer.alloc(end - 20, 1));
    const before = output.take();
    output.open();
    output.text("é".repeat(5));
    output.append(Buffer.alloc(5, 2));
    output.close(1);
    const wanted = Buffer.concat([Buffer.of(1, 0, 0, 0, 15), Buffer.from("é".repeat(5)), Buffer.alloc(5, 2)]);
    expect(output.take()).toEqual(wanted);
    output.append(Buffer.alloc(slabBytes, 3));
    expect(before.equals(Buffer.alloc(end - 20, 1))).toBe(true);
  });
});
