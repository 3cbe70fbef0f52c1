import { type Fields, isFields } from "../json.ts";
import { WireError } from "../wire-error.ts";

/** A prompt that Azure's content filter has refused. */
export class FilteredRequest extends WireError {
  readonly inner: Fields;

  constructor(category: string) {
    const message =
      "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your " +
      "prompt and retry. To learn more about our content filtering policies please read our documentation.";
    super(400, "", message, { code: "content_filter", param: "prompt" });
    const found = { ...harmless(), [category]: { filtered: true, severity: "high" } };
    this.inner = { code: "ResponsibleAIPolicyViolation", content_filter_result: found };
  }
}

/** The category of a line `/filter hate` in the last message; null without one. */
export function filteredPrompt(body: unknown): string | null {
  const messages = isFields(body) && Array.isArray(body.messages) ? body.messages : [];
  const last = JSON.stringify(messages.at(-1) ?? "");
  return /\/filter (hate|sexual|violence|self_harm)\b/.exec(last)?.[1] ?? null;
}

/** What the filter finds of every prompt that it lets pass. */
export function promptResults(): readonly object[] {
  const found = { ...harmless(), jailbreak: { filtered: false, detected: false } };
  return [{ prompt_index: 0, content_filter_results: found }];
}

/** Choices with what the filter finds of them; a piece that is not text was not looked at. */
export function inChoices(choices: unknown, member: "delta" | "message"): unknown {
  if (!Array.isArray(choices)) return choices;
  return choices.filter(isFields).map((choice) => {
    const said = isFields(choice[member]) ? choice[member].content : null;
    const looked = typeof said === "string" && said !== "";
    return { ...choice, content_filter_results: looked ? harmless() : {} };
  });
}

function harmless(): Fields {
  const safe = { filtered: false, severity: "safe" };
  return { hate: safe, self_harm: safe, sexual: safe, violence: safe };
}
