import { create } from "@bufbuild/protobuf";
import { ModerationResultSchema, ModerationScoreSchema, NoticeSchema } from "../../../gen/trunkline/v1/usage_pb.ts";
import type { Frame } from "../../domain/chat.ts";
import { scrubbed } from "../upstream-errors.ts";
import { type Fields, fieldsOf, listOf, textOf } from "./wire.ts";

/**
 * Inline moderation: `{input, output}`, each a list of results or an error. A side that could not be moderated is told
 * as a notice, since the caller may have asked to have it blocked.
 */
export function decodeModeration(moderation: Fields): Frame[] {
  return ["input", "output"].flatMap((direction) => {
    const side = fieldsOf(moderation, direction);
    if (side.type === "error") return [failed(direction, side)];
    return listOf(side, "results").map((result) => moderated(direction, result, textOf(side, "model")));
  });
}

function moderated(direction: string, result: Fields, model: string): Frame {
  const flags = fieldsOf(result, "categories");
  const scores = Object.entries(fieldsOf(result, "category_scores")).map(([category, score]) =>
    create(ModerationScoreSchema, {
      category,
      score: typeof score === "number" ? score : 0,
      flagged: flags[category] === true,
    }),
  );
  const flagged = result.flagged === true;
  const value = create(ModerationResultSchema, {
    direction,
    model: textOf(result, "model") || model,
    flagged,
    scores,
  });
  return { case: "moderation", value, choice: 0, part: 0 };
}

function failed(direction: string, error: Fields): Frame {
  const words = scrubbed(textOf(error, "message") || textOf(error, "code"));
  const value = create(NoticeSchema, {
    code: "provider_warning",
    field: `moderation.${direction}`,
    message: `The provider could not moderate the ${direction}: ${words}`,
  });
  return { case: "notice", value, choice: 0, part: 0 };
}
