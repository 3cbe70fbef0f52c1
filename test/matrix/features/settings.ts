import { type Feature, first, need } from "../feature.ts";

type Setting = "seed" | "temperature" | "topP" | "topK" | "frequencyPenalty" | "endUser";

const setting = (name: Setting, value: number | string, field: RegExp): Feature => ({
  ask: () => ({ say: "/say fine", [name]: value }),
  reached: (reached) => need(reached[name] === value, name),
  got: (seen) => need(first(seen)?.text === "fine", "text"),
  field,
});

export const settings = {
  seed: setting("seed", 7, /^seed$/),
  temperature: setting("temperature", 0.5, /^temperature$/),
  top_p: setting("topP", 0.75, /^top_p$/),
  top_k: setting("topK", 20, /^top_k$/),
  "frequency penalty": setting("frequencyPenalty", 0.5, /^frequency_penalty$/),
  "end user": setting("endUser", "user-1", /^(?:end_user_id|user|safety_identifier)$/),
} satisfies Readonly<Record<string, Feature>>;
