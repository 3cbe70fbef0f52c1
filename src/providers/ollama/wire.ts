import { createHash } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { type TokenLogprob, TokenLogprobSchema } from "../../../gen/trunkline/v1/usage_pb.ts";
import { skipSpace } from "../../dialects/json-scan.ts";
import { JsonSlice } from "../../dialects/json-slice.ts";
import {
  countOf,
  type Fields,
  fieldsOf,
  isFields,
  listOf,
  parseObject,
  textOf,
} from "../../dialects/openai-chat/wire.ts";
import { GatewayError } from "../../domain/errors.ts";

/** One line of an answer, or a whole answer: only what is used, absent members empty. */
export interface AnswerLine {
  /** The line as it came. */
  readonly text: string;
  /** The error that it tells instead of an answer. */
  readonly error: Fields | undefined;
  readonly model: string;
  readonly createdAt: string;
  /** Made of the time, which has nanoseconds, else of the line: differs from answer to answer. */
  readonly stamp: string;
  readonly thinking: string;
  readonly content: string;
  readonly calls: readonly CallLine[];
  readonly logprobs: readonly TokenLogprob[];
  readonly done: boolean;
  readonly doneReason: string;
  readonly promptTokens: number | undefined;
  readonly outputTokens: number | undefined;
  /** Members that the contract has no field for. */
  readonly unmapped: Fields;
}

export interface CallLine {
  readonly id: string;
  readonly name: string;
  readonly input: Fields;
}

/** @throws GatewayError `upstream_error` when the line is no object, or neither an answer nor an error */
export function readLine(text: string): AnswerLine {
  const line = parseObject(text, "an answer");
  const message = fieldsOf(line, "message");
  const error = line.error !== undefined && line.error !== null ? line : undefined;
  if (error === undefined && !isFields(line.message) && line.done !== true) {
    throw new GatewayError("upstream_error", "The provider sent a line without a message.");
  }
  return {
    text,
    error,
    model: textOf(line, "model"),
    createdAt: textOf(line, "created_at"),
    stamp: stampOf(textOf(line, "created_at"), text),
    thinking: textOf(message, "thinking").toWellFormed(),
    content: textOf(message, "content").toWellFormed(),
    calls: listOf(message, "tool_calls").map(readCall),
    logprobs: listOf(line, "logprobs").map(readLogprob),
    done: line.done === true,
    doneReason: textOf(line, "done_reason"),
    promptTokens: countOf(line, "prompt_eval_count"),
    outputTokens: countOf(line, "eval_count"),
    unmapped: Object.fromEntries(Object.entries(line).filter(([name, value]) => value !== null && !mapped.has(name))),
  };
}

const mapped = new Set([
  ...["model", "created_at", "message", "done", "done_reason", "prompt_eval_count", "eval_count", "logprobs", "error"],
]);

function stampOf(createdAt: string, text: string): string {
  const digits = createdAt.replaceAll(/\D/g, "").slice(0, maxStampDigits);
  return digits === "" ? createHash("sha256").update(text).digest("hex").slice(0, maxStampDigits) : digits;
}

/** A date, a time and nanoseconds. */
const maxStampDigits = 23;

function readCall(call: Fields): CallLine {
  const named = fieldsOf(call, "function");
  const name = textOf(named, "name");
  if (name === "") throw new GatewayError("upstream_error", "The provider sent a tool call without a name.");
  return { id: textOf(call, "id"), name, input: fieldsOf(named, "arguments") };
}

/**
 * The arguments of one call as the provider wrote them: parsing would lose integers above 2^53. Some servers send the
 * text of an object instead of the object.
 */
export function argumentsText(line: string, index: number): string {
  const whole = new JsonSlice(line, { start: skipSpace(line, 0), end: line.trimEnd().length });
  const call = whole.member("message")?.member("tool_calls")?.element(index)?.member("function");
  const text = call?.member("arguments")?.text ?? "{}";
  if (text === "null") return "{}";
  return text.startsWith('"') ? String(JSON.parse(text)).toWellFormed() : text;
}

function readLogprob(entry: Fields): TokenLogprob {
  const { bytes } = entry;
  const octets = Array.isArray(bytes) && bytes.every((byte) => typeof byte === "number") ? bytes : [];
  return create(TokenLogprobSchema, {
    token: textOf(entry, "token").toWellFormed(),
    raw: Uint8Array.from(octets),
    logprob: typeof entry.logprob === "number" ? entry.logprob : 0,
    top: listOf(entry, "top_logprobs").map(readLogprob),
  });
}
