/** When the simulated models came out. Seconds since 1970. */
export const created = 1_767_225_600;

/** Entries of a list of models: OpenAI's members, and what the provider tells of each. */
export function entries(more: Readonly<Record<string, unknown>>): readonly object[] {
  return ["echo", "reasoner", "embed"].map((id) => ({
    id,
    object: "model",
    created,
    owned_by: "simulator",
    ...more,
  }));
}
