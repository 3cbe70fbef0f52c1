import { create } from "@bufbuild/protobuf";
import type { ChatRequest } from "../../gen/trunkline/v1/chat_pb.ts";
import { ChatMessageSchema, PartSchema, Role } from "../../gen/trunkline/v1/message_pb.ts";
import { NoticeSchema } from "../../gen/trunkline/v1/usage_pb.ts";
import { type ChatCall, type Frame, isContent } from "../domain/chat.ts";
import type { RequestContext } from "../domain/context.ts";
import { GatewayError, toGatewayError } from "../domain/errors.ts";
import type { Target } from "../domain/target.ts";
import type { Leg } from "./leg.ts";
import type { Said } from "./said.ts";
import { type Continuation, Divergence, Splice } from "./splice.ts";
import type { Tries } from "./tries.ts";

export interface Cut {
  readonly target: Target;
  readonly thrown: unknown;
}

export interface Continuing {
  readonly call: ChatCall;
  readonly context: RequestContext;
  readonly tries: Tries;
  /** What has reached the caller. */
  readonly said: Said;
  begin(target: Target, call: ChatCall): Leg;
}

/**
 * Goes on with an answer that was cut after its first content, at another target or the same. The caller gets a notice,
 * then the rest; or, where the answer cannot be continued, the typed error that says how much was sent.
 */
export async function* continued(run: Continuing, first: Cut): AsyncIterable<readonly Frame[]> {
  let completed = false;
  try {
    for await (const frames of legs(run, first)) {
      completed ||= frames.some((frame) => frame.case === "completed");
      yield frames;
    }
  } finally {
    // However it ended: all attempts cost.
    if (!completed) noteUsed(run);
  }
}

async function* legs(run: Continuing, first: Cut): AsyncIterable<readonly Frame[]> {
  const { said, context } = run;
  let cut = first;
  for (;;) {
    const { target, how, leg } = await nextLeg(run, cut);
    const splice = new Splice(said, how);
    let told: readonly Frame[] = [continuationNotice(cut, target, how, said)];
    try {
      for await (const frames of leg.answer) {
        for (const frame of frames) said.count(frame);
        if (frames.some(isContent)) leg.watch.firstToken();
        const joined = splice.push(frames);
        if (joined.length === 0) continue;
        said.tell(joined);
        yield [...told, ...joined];
        told = [];
      }
      leg.watch.succeeded();
      return;
    } catch (thrown) {
      if (context.signal.aborted) throw thrown;
      if (thrown instanceof Divergence) throw givenUp(run, cut, "a further attempt began differently");
      leg.watch.failed(toGatewayError(thrown));
      cut = { target, thrown };
    } finally {
      leg.watch.left();
    }
  }
}

/** @throws GatewayError the failure that cut the answer, with what was sent, when nobody can go on */
async function nextLeg(run: Continuing, cut: Cut): Promise<{ target: Target; how: Continuation; leg: Leg }> {
  const { said, tries, call, context } = run;
  if (context.signal.aborted) throw cut.thrown;
  if (said.obstacle !== null) throw givenUp(run, cut, said.obstacle);
  said.cut();
  let target: Target;
  try {
    target = await tries.next(cut.target, cut.thrown, true);
  } catch (thrown) {
    if (context.signal.aborted) throw thrown;
    throw givenUp(run, cut, "no further attempt was possible");
  }
  const how = canPrefill(target, said) ? "prefill" : "restart";
  said.goOn();
  return { target, how, leg: run.begin(target, how === "prefill" ? prefilled(call, said.text) : call) };
}

function noteUsed({ said, context }: Continuing): void {
  said.cut();
  if (said.used !== null) context.trail.note({ kind: "usage", usage: said.used });
}

/** The error for a caller who already has a part of the answer. */
function givenUp({ said }: Continuing, { thrown }: Cut, why: string): GatewayError {
  const { code, message, detail, cause } = toGatewayError(thrown);
  const { text, reasoning } = said.lengths;
  const sent = `${text} characters of text${reasoning === 0 ? "" : ` and ${reasoning} of reasoning`}`;
  const words = `${message} Sent before: ${sent}. Not continued, because ${why}.`;
  return new GatewayError(code, words, detail, { cause });
}

/** Where reasoning is part of the answer, models do not go on from its text alone. */
function canPrefill({ facts }: Target, said: Said): boolean {
  return (facts.capabilities?.includes("prefill") ?? false) && said.reasoningPart === null && said.text.trim() !== "";
}

/** The request with the answer so far as its last message. Providers take no white space at its end. */
function prefilled(call: ChatCall, text: string): ChatCall {
  const part = create(PartSchema, { kind: { case: "text", value: text.trimEnd() } });
  const answer = create(ChatMessageSchema, { role: Role.ASSISTANT, parts: [part] });
  const request: ChatRequest = { ...call.request, messages: [...call.request.messages, answer] };
  // The caller's own JSON lacks the added message, so no provider may send it as it stands.
  const source = call.source && { ...call.source, dialect: "typed" as const };
  return { request, stream: call.stream, ...(source && { source }) };
}

function continuationNotice({ target, thrown }: Cut, next: Target, how: Continuation, said: Said): Frame {
  const { code } = toGatewayError(thrown);
  const value = create(NoticeSchema, {
    code: "failover",
    message: `${target.name} broke off (${code}); ${next.name} went on.`,
    detail: { from: target.name, to: next.name, error: code, how, sent_characters: String(said.lengths.text) },
  });
  return { case: "notice", value, choice: 0, part: 0 };
}
