import { each, type Foreign, textOf, textsIn } from "../foreign.ts";
import type { Upstream } from "./upstream.ts";

/** generateContent: wire.md §5. */
export const gemini: Upstream = {
  name: "Gemini",
  kind: "gemini",
  basePath: "/gemini",
  isExact: true,
  needsCacheMark: false,
  // The larger models of this generation know two levels.
  model: (feature) => (feature === "reasoning effort" ? "gemini-3-flash-preview" : "gemini-3-pro-preview"),
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
      results: user.flatMap(({ functionResponse: result }) =>
        result ? [{ text: JSON.stringify(result.response), images: mediaIn(each(result.parts), "image/") }] : [],
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
      cacheMarks: 0,
    };
  },
};

const modes: Readonly<Record<string, string>> = { ANY: "required", NONE: "none" };

function mediaIn(parts: readonly Foreign[], type: string): readonly string[] {
  return parts.flatMap(({ inlineData, fileData }) => {
    const media = inlineData ?? fileData;
    return textOf(media?.mimeType).startsWith(type) ? [textOf(media.data) || textOf(media.fileUri)] : [];
  });
}
