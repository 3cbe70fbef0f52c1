import { create } from "@bufbuild/protobuf";
import { type ModerationResult, NoticeSchema } from "../../../gen/trunkline/v1/usage_pb.ts";
import type { Frame } from "../../domain/chat.ts";
import { scrubbed } from "../upstream-errors.ts";
import type { ChoiceDecoder } from "./decode-choice.ts";
import { filterFailure, promptFilters, toModeration, toPromptModeration, toSafetyRatings } from "./decode-filter.ts";
import { type Fields, fieldsOf, isFields } from "./wire.ts";

/** What a content filter tells over a stream: of the prompt before the answer, of the answer as it comes or later. */
export class FilterDecoder {
  /** Told before the answer has begun. */
  #held: Frame[] = [];

  /** Findings about the prompt. Azure's first event holds nothing else, so they wait until there is an answer. */
  prompt(chunk: Fields, started: boolean): readonly Frame[] {
    const found = promptFilters(chunk);
    this.#held.push(...toPromptModeration(found).map(toFrame));
    for (const one of found) this.#held.push(...failed("input", fieldsOf(one, "content_filter_results")));
    if (!started) return [];
    const frames = this.#held;
    this.#held = [];
    return frames;
  }

  /** Findings of the asynchronous filter, which has choices without a delta: they may come when the answer has ended. */
  answer(choice: Fields, choices: ReadonlyMap<number, ChoiceDecoder>): readonly Frame[] {
    const results = choice.content_filter_results;
    if (!isFields(results)) return [];
    const known = typeof choice.index === "number" ? choices.get(choice.index) : undefined;
    const late = known?.finished === true && Object.keys(results).length > 0;
    return [...failed("output", results), ...(late ? [toFrame(toModeration("output", results))] : [])];
  }

  /** Findings beside a piece of the answer, or about an earlier one. */
  rate({ content_filter_results: results }: Fields, decoder: ChoiceDecoder | undefined): void {
    if (isFields(results)) decoder?.rate(toSafetyRatings(results));
  }
}

function toFrame(value: ModerationResult): Frame {
  return { case: "moderation", value, choice: 0, part: 0 };
}

function failed(direction: string, results: Fields): Frame[] {
  const words = scrubbed(filterFailure(results));
  if (words === "") return [];
  const value = create(NoticeSchema, {
    code: "provider_warning",
    field: `content_filter.${direction}`,
    message: `The provider's content filter could not look at the ${direction}: ${words}`,
  });
  return [{ case: "notice", value, choice: 0, part: 0 }];
}
