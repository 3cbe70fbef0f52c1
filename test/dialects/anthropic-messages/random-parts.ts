import { create } from "@bufbuild/protobuf";
import { type Part, PartSchema, type Proof, ProofSchema } from "../../../gen/trunkline/v1/message_pb.ts";

export function proofOf(issuer: string, words: string, format = "signature"): Proof {
  return create(ProofSchema, { issuer, format, data: new TextEncoder().encode(words) });
}

/** An answer as providers make them, with proofs of several issuers. */
export function randomParts(random: () => number): Part[] {
  const pick = <T>(...list: T[]): T => list[Math.floor(random() * list.length)] as T;
  const words = () => pick("a", "Grüße 👋", "x\n\ny", '{"a":1}', "trunkline", "\u2028");
  const issuer = () => pick("anthropic", "gemini", "openai");
  return Array.from({ length: Math.floor(random() * 6) }, (_, i): Part => {
    const given = proofOf(issuer(), words());
    const kinds: (() => Part)[] = [
      () => create(PartSchema, { kind: { case: "text", value: words() } }),
      () => create(PartSchema, { kind: { case: "text", value: words() }, proof: proofOf("gemini", words()) }),
      () => create(PartSchema, { kind: { case: "reasoning", value: { text: words() } }, proof: given }),
      () => create(PartSchema, { kind: { case: "reasoning", value: { text: words() } } }),
      () =>
        create(PartSchema, {
          kind: { case: "reasoning", value: { summary: [words(), words()] } },
          proof: proofOf("openai", words(), "encrypted"),
        }),
      () =>
        create(PartSchema, {
          kind: { case: "reasoning", value: { redacted: true } },
          proof: { ...given, format: given.issuer === "anthropic" ? "redacted" : "encrypted" },
        }),
      () =>
        create(PartSchema, {
          kind: {
            case: "toolCall",
            value: { id: `c${i}`, name: "f", kind: 1, arguments: pick("{}", '{"a":[1,"é"]}') },
          },
        }),
      () =>
        create(PartSchema, {
          kind: {
            case: "toolCall",
            value: { id: `c${i}`, name: "g", kind: 1, arguments: "{}", callerJson: '{"type":"x"}' },
          },
          proof: proofOf("gemini", words()),
        }),
      () =>
        create(PartSchema, {
          kind: {
            case: "hostedCall",
            value: { id: "srvtoolu_1", type: "web_search", name: "web_search", inputJson: '{"q":1}' },
          },
        }),
      () =>
        create(PartSchema, {
          kind: { case: "hostedCall", value: { id: "ws_1", type: "web_search_call", name: "w", inputJson: "{}" } },
          status: "done",
        }),
      () =>
        create(PartSchema, {
          kind: {
            case: "hostedResult",
            value: { callId: "srvtoolu_1", type: "web_fetch_tool_result", outputJson: '{"type":"x"}' },
          },
        }),
      () =>
        create(PartSchema, {
          kind: {
            case: "opaque",
            value: { provider: "anthropic", type: "novel", content: { case: "json", value: '{"type":"novel","n":1}' } },
          },
        }),
      () =>
        create(PartSchema, {
          kind: { case: "opaque", value: { provider: "gemini", type: "x", content: { case: "json", value: "{}" } } },
        }),
    ];
    return pick(...kinds)();
  });
}
