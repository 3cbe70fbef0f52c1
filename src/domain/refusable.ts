/** Request fields, as contract paths, that a model may be said to refuse: settings without which a request still stands. */
export const refusableFields = [
  "temperature",
  "top_p",
  "top_k",
  "min_p",
  "frequency_penalty",
  "presence_penalty",
  "repetition_penalty",
  "seed",
  "logit_bias",
  "logprobs",
  "top_logprobs",
  "stop",
  "choice_count",
  "parallel_tool_calls",
  "max_tool_calls",
  "verbosity",
  "service_tier",
  "speed",
  "media_resolution",
  "store",
] as const;

export type RefusableField = (typeof refusableFields)[number];
