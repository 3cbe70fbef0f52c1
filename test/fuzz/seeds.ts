import { it } from "vitest";
import { type Random, randomFrom } from "../domain/random-messages.ts";

/**
 * Seeds of a run: `FUZZ_SEEDS=2000` is the seeds from 1 to 2000, `FUZZ_SEEDS=812-812` that one again. Without it each
 * part takes as many as it says: few enough for every build.
 */
function seedsFor(usual: number): readonly [first: number, last: number] {
  const [, first, last] = /^(?:(\d+)-)?(\d+)$/.exec(process.env.FUZZ_SEEDS ?? "") ?? [];
  return [Number(first ?? 1), Number(last ?? usual)];
}

/** How long one input may take. Generous: it tells a loop or a square from bad luck with the machine. Milliseconds. */
const maxInputMs = 5_000;

/**
 * A test that tries something with one seed after another. What goes wrong is reported with the seed that shows it again.
 * @param usual seeds of a build
 */
export function fuzz(name: string, usual: number, attempt: (random: Random) => unknown): void {
  const [first, last] = seedsFor(usual);
  it(name, { timeout: 30_000 + (last - first) * 1_000 }, async () => {
    for (let seed = first; seed <= last; seed++) {
      const began = performance.now();
      try {
        // The name takes part, so that two tests do not make the same edits.
        await attempt(randomFrom(seed * 1_000_003 + hashOf(name)));
      } catch (cause) {
        throw new Error(`${again(seed)} shows it again. ${cause instanceof Error ? cause.stack : cause}`, { cause });
      }
      const took = performance.now() - began;
      if (took > maxInputMs) throw new Error(`An input took ${Math.round(took)} ms. ${again(seed)} shows it again.`);
    }
  });

  function again(seed: number): string {
    return `FUZZ_SEEDS=${seed}-${seed} npm run fuzz -- -t ${JSON.stringify(name)}`;
  }
}

function hashOf(text: string): number {
  let hash = 0;
  for (const char of text) hash = (Math.imul(hash, 31) + (char.codePointAt(0) ?? 0)) | 0;
  return hash;
}
