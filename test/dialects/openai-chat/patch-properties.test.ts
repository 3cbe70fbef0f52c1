import { describe, expect, it } from "vitest";
import { readJsonBody } from "../../../src/dialects/json-body.ts";
import { patchChatRequest } from "../../../src/dialects/openai-chat/patch-request.ts";
import { GatewayError } from "../../../src/domain/errors.ts";

/** Numbers that look random and are the same each time (mulberry32). */
function seeded(seed: number) {
  let state = seed;
  const random = () => {
    state = (state + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (count: number) => Math.floor(random() * count);
  const pick = <T>(among: readonly T[]): T => among[below(among.length)] as T;
  return { random, below, pick };
}

type Random = ReturnType<typeof seeded>;

const scraps = [
  "a",
  "é",
  "日本",
  "😀",
  '\\"',
  "\\\\",
  "\\n",
  "\\u00e9",
  "\\ud83d\\ude00",
  "{",
  "}",
  "[",
  ",",
  ":",
  " ",
];
const numbers = ["0", "-0", "1.0", "1e2", "9007199254740993", "-1.50E+3", "0.10"];
const spaces = ["", "", "", "", " ", "\n", "\t ", "\r\n  "];

function stringOf({ pick, below }: Random): string {
  return `"${Array.from({ length: below(8) }, () => pick(scraps)).join("")}"`;
}

/** JSON of some value, with white space wherever it may stand. */
function anyValue(random: Random, depth = 0): string {
  const { pick, below } = random;
  const space = () => pick(spaces);
  const kind = below(depth > 3 ? 4 : 6);
  if (kind === 0) return pick(["true", "false", "null"]);
  if (kind === 1) return pick(numbers);
  if (kind < 4) return stringOf(random);
  const children = Array.from({ length: below(4) }, (_, i) => {
    const value = anyValue(random, depth + 1);
    return kind === 4 ? space() + value + space() : `${space()}"k${i}"${space()}:${space()}${value}${space()}`;
  });
  return kind === 4 ? `[${children.join(",")}]` : `{${children.join(",")}}`;
}

interface Written {
  readonly text: string;
  /** Top-level members: the name that is meant, the value's text. */
  readonly members: readonly (readonly [name: string, value: string])[];
}

/** A body whose members stand in any order, in any spelling. */
function bodyOf(random: Random): Written {
  const { below, pick } = random;
  const space = () => pick(spaces);
  const long = below(4) === 0 ? `${"x".repeat(below(9_000))}${pick(["", "é", "日"])}${"y".repeat(below(9_000))}` : "";
  const members: [spelt: string, name: string, value: string][] = [
    [pick(['"model"', '"mod\\u0065l"']), "model", stringOf(random)],
    ['"messages"', "messages", `[{"role":"user","content":"${long}${stringOf(random).slice(1, -1)}"}]`],
  ];
  if (below(2) === 0) members.push(['"stream_options"', "stream_options", pick(["null", "{}", '{"a":[1.0]}'])]);
  if (below(3) === 0) members.push(['"provider_options"', "provider_options", anyValue(random)]);
  for (let i = 0; i < below(6); i++) {
    const [spelt, name] = pick([
      [`"x${i}"`, `x${i}`],
      [`"é${i}"`, `é${i}`],
      [`"\\u00e9日${i}"`, `é日${i}`],
      [`"a\\"b${i}"`, `a"b${i}`],
      [`"😀\\/${i}"`, `😀/${i}`],
    ] as const);
    if (!members.some(([, known]) => known === name)) members.push([spelt, name, anyValue(random)]);
  }
  members.sort(() => random.random() - 0.5);
  const text = members.map(([spelt, , value]) => `${space()}${spelt}${space()}:${space()}${value}${space()}`).join(",");
  return { text: `${space()}{${text}}${space()}`, members: members.map(([, name, value]) => [name, value]) };
}

const written = Array.from({ length: 600 }, (_, seed) => bodyOf(seeded(seed + 1)));
const bytesOf = (text: string) => new TextEncoder().encode(text);

describe("bodies in any spelling", () => {
  it("are read alike wherever a character stands among a hundred thousand others", () => {
    const { below, pick } = seeded(5);
    for (let round = 0; round < 200; round++) {
      const around = Array.from({ length: below(12) }, () => pick(["x", "é", "日"]).repeat(below(5_000)));
      const content = `${around.join(pick(["", "é", "日", "😀"]))}${"x".repeat(4_080 + below(32))}😀`;
      expect(readJsonBody(bytesOf(JSON.stringify({ content }))).value).toEqual({ content });
    }
  });

  it("lie where they are said to lie, in bytes", () => {
    for (const { text, members } of written) {
      const body = readJsonBody(bytesOf(text));
      const found = [...body.members].map(([name, { start, end }]) => {
        return [name, new TextDecoder().decode(body.bytes.subarray(start, end))];
      });
      expect(found).toEqual(members);
      expect(body.value).toEqual(JSON.parse(text));
      for (const [name, value] of members) expect(body.json.member(name)?.text).toBe(value);
    }
  });

  it.each([true, false])("keep every byte of every other member when they are patched, stream: %s", (stream) => {
    for (const { text, members } of written) {
      const patched = patchChatRequest(readJsonBody(bytesOf(text)), { model: "neu-é-😀", stream, extra: { z: 1 } });
      const again = readJsonBody(patched);
      const kept = [...again.members].flatMap(([name, { start, end }]) => {
        const isOurs = name === "model" || name === "z" || (name === "stream_options" && stream);
        return isOurs ? [] : [[name, patched.toString("utf8", start, end)]];
      });
      const gone = new Set(["model", "provider_options", ...(stream ? ["stream_options"] : [])]);
      expect(kept).toEqual(members.filter(([name]) => !gone.has(name)));
      expect(again.value.model).toBe("neu-é-😀");
      if (stream) expect(again.value.stream_options).toMatchObject({ include_usage: true });
      expect(Object.keys(again.value).at(-1)).toBe("z");
    }
  });

  it("are refused where one byte makes them no UTF-8, wherever it stands", () => {
    for (const [seed, { text }] of written.slice(0, 200).entries()) {
      const bytes = bytesOf(text);
      bytes[seeded(seed + 7).below(bytes.length)] = 0xff;
      expect(() => readJsonBody(bytes)).toThrow(new GatewayError("invalid_value", "The body is not valid UTF-8."));
    }
  });

  it("say the column of an error in characters", () => {
    expect(() => readJsonBody(bytesOf('{"é日😀":1}x'))).toThrow("line 1, column 11.");
    expect(() => readJsonBody(bytesOf('{"é":"日",\n"日":tru}'))).toThrow("line 2, column 5.");
  });

  it("are refused for a repeated name, also where it is spelt in two ways", () => {
    expect(() => readJsonBody(bytesOf('{"é":1,"\\u00e9":2}'))).toThrow("same key twice");
    expect(() => readJsonBody(bytesOf('{"o":{"é日":1,"\\u00e9日":2}}'))).toThrow("same key twice");
  });
});
