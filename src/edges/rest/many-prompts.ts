import type { Usage } from "../../../gen/trunkline/v1/usage_pb.ts";
import { blankCompleted } from "../../domain/blank.ts";
import type { ChatCall, Frame } from "../../domain/chat.ts";
import { type RequestContext, Trail } from "../../domain/context.ts";
import type { Answer } from "../../gateway.ts";

/**
 * The answers to several prompts as one: each is a request of its own, one after the other, whose choices are numbered
 * on from those before. Fails as soon as one of them does.
 */
export async function* askEach(
  calls: readonly ChatCall[],
  ask: (call: ChatCall, context: RequestContext) => Answer,
  context: RequestContext,
): Answer {
  const [only] = calls;
  if (only && calls.length === 1) return yield* ask(only, context);
  let before = 0;
  const uses: Usage[] = [];
  for (const [i, call] of calls.entries()) {
    let usage: Usage | undefined;
    for await (const frames of ask(call, i === 0 ? context : furtherContext(context, i))) {
      const shown = frames.flatMap((frame) => shifted(frame, i, before));
      for (const frame of frames) {
        if (frame.case === "usage") usage = frame.value;
        else if (frame.case === "completed") usage = frame.value.usage ?? usage;
      }
      if (shown.length > 0) yield shown;
    }
    if (usage) uses.push(usage);
    before += call.request.choiceCount ?? 1;
  }
  const end = blankCompleted();
  const [first] = uses;
  // With a count missing the sum would be too small, and nobody could see it.
  if (first && uses.length === calls.length) end.usage = sumOf(first, uses);
  yield [{ case: "completed", value: end, choice: 0, part: 0 }];
}

/** The trail tells of one request; each of the further ones has its own, and its own idempotency key. */
function furtherContext(context: RequestContext, i: number): RequestContext {
  const { idempotencyKey } = context;
  const key = idempotencyKey === undefined ? {} : { idempotencyKey: `${idempotencyKey}.${i}` };
  return { ...context, trail: new Trail(), ...key };
}

function shifted(frame: Frame, i: number, before: number): readonly Frame[] {
  switch (frame.case) {
    case "usage":
    case "completed":
      return [];
    case "started":
      return i === 0 ? [frame] : [];
    default: {
      const { wire: _, ...own } = frame;
      return [{ ...own, choice: frame.choice + before }];
    }
  }
}

const counts = ["inputTokens", "outputTokens", "totalTokens", "cacheReadTokens", "reasoningTokens"] as const;

function sumOf(first: Usage, uses: readonly Usage[]): Usage {
  const sum = { ...first };
  for (const name of counts) {
    const known = uses.flatMap((usage) => usage[name] ?? []);
    if (known.length === uses.length) sum[name] = known.reduce((all, one) => all + one, 0);
    else delete sum[name];
  }
  return sum;
}
