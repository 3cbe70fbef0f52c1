import type { FeatureName } from "../features.ts";
import { each, type Foreign, orderOf, textOf, textsIn } from "../foreign.ts";
import type { Upstream } from "./upstream.ts";

const models: Partial<Readonly<Record<FeatureName, string>>> = {
  "reasoning effort": "gemini-3-flash-preview",
  "reasoning budget": "gemini-2.5-flash",
  "reasoning off": "gemini-2.5-flash",
};

/** generateContent: wire.md §5. */
export const gemini: Upstream = {
  name: "Gemini",
  kind: "gemini",
  basePath: "/gemini",
  isExact: true,
  needsCacheMark: false,
  // The larger models of this generation know two levels.
  model: (feature) => models[feature] ?? "gemini-3-pro-preview",
  read: (body, path) => {
    const partsOf = (role: string) =>
      each(body.contents)
        .filter((content) => content.role === role)
        .flatMap(({ parts }) => each(parts));
    const user = partsOf("user");
    const config = body.generationConfig ?? {};
    const calling = body.toolConfig?.functionCallingConfig;
    return {
      stream: path.includes(":streamGenerateContent"),
      system: textsIn(body.systemInstruction?.parts),
      text: textsIn(user),
      images: mediaIn(user, "image/"),
      documents: mediaIn(user, "application/pdf"),
      sounds: mediaIn(user, "audio/"),
      order: orderOf(user.map((part) => (part.text === undefined ? kindOf(part) : "text"))),
      results: user.flatMap(({ functionResponse: result }) =>
        result
          ? [
              {
                text: JSON.stringify(result.response),
                images: mediaIn(each(result.parts), "image/"),
                failed: "error" in result.response,
              },
            ]
          : [],
      ),
      calls: partsOf("model").flatMap(({ functionCall: call }) =>
        call ? [`${call.name} ${JSON.stringify(call.args)}`] : [],
      ),
      tools: each(body.tools)
        .flatMap(({ functionDeclarations: declared }) => each(declared))
        .map(({ name, parameters, parametersJsonSchema }) => ({ name, schema: parametersJsonSchema ?? parameters })),
      choice: textOf(calling?.allowedFunctionNames?.[0]) || modes[calling?.mode] || null,
      oneCallAtATime: false,
      schema: config.responseJsonSchema ?? config.responseSchema,
      isJson: config.responseMimeType === "application/json" && !config.responseJsonSchema && !config.responseSchema,
      effort: textOf(config.thinkingConfig?.thinkingLevel).toLowerCase() || null,
      budget: config.thinkingConfig?.thinkingBudget,
      isOff: config.thinkingConfig?.thinkingBudget === 0,
      thoughts: partsOf("model").flatMap(({ thoughtSignature: signature }) =>
        signature && signature !== "skip_thought_signature_validator" ? [signature] : [],
      ),
      stop: each(config.stopSequences),
      maxTokens: config.maxOutputTokens,
      choices: config.candidateCount,
      logprobs: config.responseLogprobs === true,
      topLogprobs: config.logprobs,
      seed: config.seed,
      temperature: config.temperature,
      topP: config.topP,
      topK: config.topK,
      frequencyPenalty: config.frequencyPenalty,
      endUser: undefined,
    };
  },
};

function kindOf({ inlineData, fileData }: Foreign): string {
  return textOf((inlineData ?? fileData)?.mimeType).split("/", 1)[0] ?? "";
}

const modes: Readonly<Record<string, string>> = { ANY: "required", NONE: "none" };

function mediaIn(parts: readonly Foreign[], type: string): readonly string[] {
  return parts.flatMap(({ inlineData, fileData }) => {
    const media = inlineData ?? fileData;
    return textOf(media?.mimeType).startsWith(type) ? [textOf(media.data) || textOf(media.fileUri)] : [];
  });
}
