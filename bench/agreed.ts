/** What requests, gateways and the mock provider have to agree on. */

/** The key that the measured gateway asks for: authentication is part of what is measured. */
export const masterKey = "bench-master-key";

/** Models of the mock provider. A name says how its streams are: `-n10` of ten events, `-d20` with 20 ms between two. */
export const quickModel = "gpt-4o-mini";
/** One event a second: open, and nearly idle. */
export const slowModel = `${quickModel}-d1000`;
export const claudeModel = "claude-sonnet-4-5";

/** The name of the model whose streams have pauses. */
export function paced(model: string): string {
  return `${model}-d20`;
}

/** Models that the measured gateway is told of, by dialect. */
export const usualModels = {
  openai: [quickModel, paced(quickModel), slowModel],
  anthropic: [claudeModel, paced(claudeModel)],
};

/** Events of a stream, unless its model says otherwise. */
export const usualEvents = 64;
