import { create } from "@bufbuild/protobuf";
import {
  type Part,
  PartSchema,
  type Proof,
  ProofSchema,
  SearchResultPartSchema,
  ToolCallKind,
} from "../../../gen/trunkline/v1/message_pb.ts";
import { PartFinishedSchema, PartStartedSchema } from "../../../gen/trunkline/v1/stream_pb.ts";
import { toAnnotation } from "../../dialects/anthropic-messages/citations.ts";
import { type Fields, fieldsOrNone, isFields, text } from "../../dialects/anthropic-messages/fields.ts";
import type { Frame } from "../../domain/chat.ts";
import { malformed, type WireBlock } from "./wire.ts";

/** A content block that is being sent. What it says at its start is returned by `openBlock`. */
export interface Block {
  delta(delta: Fields): readonly Frame[];
  close(): readonly Frame[];
}

/** What a block asks of the answer that it belongs to. */
export interface BlockHost {
  /** Allots the next part number: only to blocks that show something, so that the numbers have no gaps. */
  nextPart(): number;
  /** Issuer of this answer's proofs. */
  readonly issuer: string;
  /** The caller's name of a tool. */
  toolName(name: string): string;
  /** Whether the caller's tool takes free text. */
  isCustom(name: string): boolean;
  /** Says that the frames of this event no longer say what its bytes say. */
  repaired(): void;
}

/** Opens a block of any type; types newer than this code become opaque parts. */
export function openBlock(start: WireBlock, host: BlockHost): { readonly frames: readonly Frame[]; block: Block } {
  switch (start.type) {
    case "text":
      return textBlock(start.fields, host);
    case "thinking":
      return thinkingBlock(start.fields, host);
    case "redacted_thinking":
      return wholeBlock(redactedPart(start.fields, host), host);
    case "tool_use":
      return toolBlock(start.fields, host);
    case "server_tool_use":
      return bufferedBlock(start, host, hostedCallPart);
    default:
      return isHostedResult(start)
        ? wholeBlock(hostedResultPart(start.fields, host), host)
        : bufferedBlock(start, host, opaquePart);
  }
}

function textBlock(start: Fields, host: BlockHost) {
  let length = 0;
  let part = -1;
  const citations: Fields[] = Array.isArray(start.citations) ? start.citations.filter(isFields) : [];

  function write(value: string): readonly Frame[] {
    if (value === "") return [];
    if (part === -1) part = host.nextPart();
    length += codePoints(value);
    return [{ case: "textDelta", value, choice: 0, part }];
  }

  const block: Block = {
    delta(delta) {
      if (delta.type === "citations_delta" && isFields(delta.citation)) citations.push(delta.citation);
      return write(text(delta, "text"));
    },
    close() {
      // Citations come before, between or after the text that they support; only now is its extent known.
      if (part === -1 || citations.length === 0) return [];
      return citations.map((one) => ({ case: "annotation", value: toAnnotation(one, length), choice: 0, part }));
    },
  };
  return { frames: write(text(start, "text")), block };
}

function codePoints(value: string): number {
  let count = value.length;
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code >= 0xd800 && code < 0xdc00) count--; // The first half of a pair; the text is well-formed.
  }
  return count;
}

function thinkingBlock(start: Fields, host: BlockHost) {
  const part = host.nextPart();
  let signature = text(start, "signature");
  const write = (value: string): Frame[] => (value === "" ? [] : [{ case: "reasoningDelta", value, choice: 0, part }]);
  const opened = partStarted(create(PartSchema, { kind: { case: "reasoning", value: {} } }), part);

  const block: Block = {
    delta(delta) {
      if (delta.type === "signature_delta") signature = text(delta, "signature");
      return write(text(delta, "thinking"));
    },
    // An empty text with a signature is thinking that the provider keeps to itself: it goes back all the same.
    close: () => [partFinished(part, signature === "" ? undefined : proof(host.issuer, "signature", signature))],
  };
  return { frames: [opened, ...write(text(start, "thinking"))], block };
}

function toolBlock(start: Fields, host: BlockHost) {
  const id = text(start, "id");
  const wireName = text(start, "name");
  if (id === "" || wireName === "") throw malformed("a tool_use block without id or name");
  const name = host.toolName(wireName);
  const custom = host.isCustom(name);
  if (name !== wireName || custom) host.repaired();

  const part = host.nextPart();
  const kind = custom ? ToolCallKind.CUSTOM : ToolCallKind.FUNCTION;
  const toolset = text(start, "toolset_name");
  const callerJson = indirectCaller(start);
  const call = { id, name, kind, ...(toolset && { toolset }), ...(callerJson && { callerJson }) };
  const opened = partStarted(create(PartSchema, { kind: { case: "toolCall", value: call } }), part);
  const write = (value: string): Frame[] => (value === "" ? [] : [{ case: "argumentsDelta", value, choice: 0, part }]);

  const finished = partFinished(part);
  if (custom) return { frames: [opened], block: customBlock(start, host, write, finished) };

  let isEmpty = true;
  const block: Block = {
    delta(delta) {
      const json = text(delta, "partial_json");
      if (json !== "") isEmpty = false;
      return write(json);
    },
    close: () => (isEmpty ? [...write(inputAtStart(start)), finished] : [finished]),
  };
  return { frames: [opened], block };
}

/** The input that `content_block_start` carries: always `{}` from Anthropic, the whole input from some others. */
function inputAtStart(start: Fields): string {
  return JSON.stringify(fieldsOrNone(start, "input"));
}

/** A custom tool runs as a function with one string, which can only be taken out when it is whole. */
function customBlock(start: Fields, host: BlockHost, write: (value: string) => Frame[], finished: Frame): Block {
  let input = "";
  return {
    delta(delta) {
      host.repaired();
      input = joined(input, text(delta, "partial_json"));
      return [];
    },
    close() {
      host.repaired();
      return [...write(freeText(input || inputAtStart(start))), finished];
    },
  };
}

/** Cut JSON stays as it is. */
function freeText(json: string): string {
  try {
    const input: unknown = JSON.parse(json);
    if (isFields(input) && typeof input.input === "string") return input.input;
  } catch {
    // Cut off by the token limit: the caller sees what the model wrote.
  }
  return json;
}

/** A block that is shown once it is whole: its input arrives in pieces, but the contract has it whole. */
function bufferedBlock(
  start: WireBlock,
  host: BlockHost,
  toPart: (whole: WireBlock, input: string, host: BlockHost) => Part,
) {
  let input = "";
  let fields = start.fields;
  const block: Block = {
    delta(delta) {
      const { type, ...values } = delta;
      if (type === "input_json_delta") input = joined(input, text(delta, "partial_json"));
      else fields = { ...fields, ...values }; // Deltas of unknown types carry final values (compaction does).
      return [];
    },
    close: () => show(toPart({ type: start.type, fields }, toJson(input || inputAtStart(fields)), host), host),
  };
  return { frames: [], block };
}

/** An input goes back as JSON; one that is none, cut off by the token limit perhaps, as a text in an object. */
function toJson(input: string): string {
  try {
    JSON.parse(input);
    return input;
  } catch {
    return JSON.stringify({ raw_arguments: input });
  }
}

/** Most that is held back of one block. UTF-16 units. */
const maxHeldLength = 4 * 1024 * 1024;

function joined(held: string, more: string): string {
  if (held.length + more.length > maxHeldLength) throw malformed(`an input longer than ${maxHeldLength} characters`);
  return held + more;
}

/** A block that came whole in its first event. */
function wholeBlock(part: Part, host: BlockHost) {
  const block: Block = { delta: () => [], close: () => [] };
  return { frames: show(part, host), block };
}

function redactedPart(fields: Fields, host: BlockHost): Part {
  const kind = { case: "reasoning", value: { redacted: true } } as const;
  return create(PartSchema, { kind, proof: proof(host.issuer, "redacted", text(fields, "data")) });
}

function hostedCallPart({ fields }: WireBlock, inputJson: string, host: BlockHost): Part {
  const name = text(fields, "name");
  const value = { id: text(fields, "id"), type: name, name, inputJson };
  return create(PartSchema, { kind: { case: "hostedCall", value }, ...callerProof(fields, host) });
}

/** web_search_tool_result, code_execution_tool_result, …; MCP's are opaque because their calls are. */
function isHostedResult({ type, fields }: WireBlock): boolean {
  return type.endsWith("_tool_result") && type !== "mcp_tool_result" && typeof fields.tool_use_id === "string";
}

function hostedResultPart(fields: Fields, host: BlockHost): Part {
  const { content } = fields;
  const isError = isFields(content) && text(content, "type").endsWith("_error");
  const value = {
    callId: text(fields, "tool_use_id"),
    type: text(fields, "type"),
    outputJson: JSON.stringify(content ?? null),
    isError,
    parts: Array.isArray(content) ? content.filter(isFields).flatMap(searchResult) : [],
  };
  return create(PartSchema, { kind: { case: "hostedResult", value }, ...callerProof(fields, host) });
}

function searchResult(result: Fields): Part[] {
  if (result.type !== "web_search_result") return [];
  const value = create(SearchResultPartSchema, { uri: text(result, "url"), title: text(result, "title") });
  return [create(PartSchema, { kind: { case: "searchResult", value } })];
}

function opaquePart({ type, fields }: WireBlock, input: string): Part {
  // The input is spliced, since it came as text; parsing it would lose integers above 2^53.
  const { input: _, ...rest } = fields;
  const body = JSON.stringify(rest);
  const json = "input" in fields ? `${body.slice(0, -1)},"input":${input}}` : body;
  const value = { provider: "anthropic", type, content: { case: "json", value: json } } as const;
  return create(PartSchema, { kind: { case: "opaque", value } });
}

/** Who called, when it was not the model itself: it has to go back with the block. */
function indirectCaller(fields: Fields): string | undefined {
  const { caller } = fields;
  return isFields(caller) && caller.type !== "direct" ? JSON.stringify(caller) : undefined;
}

function callerProof(fields: Fields, host: BlockHost): { proof?: Proof } {
  const caller = indirectCaller(fields);
  return caller === undefined ? {} : { proof: proof(host.issuer, "caller", caller) };
}

function proof(issuer: string, format: string, octets: string): Proof {
  return create(ProofSchema, { issuer, format, data: new TextEncoder().encode(octets) });
}

function show(part: Part, host: BlockHost): readonly Frame[] {
  const number = host.nextPart();
  return [partStarted(part, number), partFinished(number)];
}

function partStarted(part: Part, number: number): Frame {
  return { case: "partStarted", value: create(PartStartedSchema, { part }), choice: 0, part: number };
}

function partFinished(number: number, made?: Proof): Frame {
  const value = create(PartFinishedSchema, made === undefined ? {} : { proof: made });
  return { case: "partFinished", value, choice: 0, part: number };
}
