import * as z from "zod";
import { later, secretReference, text } from "./fields.ts";
import { providerKinds } from "./provider-kinds.ts";

const kindNames = [...providerKinds.keys()];

const modelName = text(/^[^\s\p{Cc}]{1,256}$/u, "1 to 256 characters without spaces");

/** Headers that carry credentials or belong to the connection are the gateway's own business. */
const reservedHeader =
  /^(authorization|proxy-.*|x-api-key|api-key|cookie|host|connection|content-.*|transfer-encoding|te|upgrade|expect|keep-alive|accept-encoding)$/;

const headerName = z
  .string()
  .regex(/^[a-z0-9!#$%&'*+.^_`|~-]{1,128}$/)
  .refine((name) => !reservedHeader.test(name))
  .meta({ allowed: "lower-case header names other than credentials and those of the connection" });

// Not a place for credentials, but somebody will put one here: its value is never shown.
const headerValue = z
  .string()
  .regex(/^[\x20-\x7e]{0,4096}$/)
  .meta({ allowed: "up to 4,096 visible ASCII characters", secret: true });

/** One instance of a provider, under its name. */
export const providerSchema = z
  .strictObject({
    type: z
      .enum(kindNames)
      .optional()
      .describe("Kind of provider. Default: the beginning of the instance's name, `openai` for `openai-east`."),
    api_key: secretReference("The provider's key.").optional(),
    base_url: z
      .url({ protocol: /^https?$/ })
      .max(2048)
      .refine(isPlainUrl)
      .optional()
      .describe("Where the provider is, as its official SDK takes it. Default: the provider's own servers.")
      .meta({ allowed: "an http or https URL without user, query and fragment, such as https://api.openai.com/v1" }),
    models: z
      .array(modelName)
      .max(1000)
      .default([])
      .describe("Models that are offered even when the provider's own list cannot be read."),
    headers: z
      .record(headerName, headerValue)
      .default({})
      .describe("Further request headers, such as `anthropic-version` or `openai-organization`."),
    wire: z
      .enum(["exact", "repair"])
      .optional()
      .describe(
        "Whether the server keeps to its dialect to the letter (`exact`) or its events are looked at and mended " +
          "(`repair`). Default: `exact` for OpenAI's and Anthropic's own servers.",
      ),
    keys: later("Several keys for one instance."),
  })
  .describe("One provider instance; the key of the map is its name, as in `instance/model`.");

export const instanceName = text(
  /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/,
  "names of lower-case letters and digits, parts joined by `-`",
).max(64);

const target = z.union([
  modelName,
  z.strictObject({ model: modelName, weight: later("Shares of the traffic.") }).describe("The same, spelled out."),
]);

/** One alias, under its name. */
export const aliasSchema = z
  .strictObject({
    targets: z
      .array(target)
      .min(1)
      .max(16)
      .describe("Models to ask, best first: `instance/model`, or a model name that an instance offers."),
    strategy: z.enum(["ordered"]).default("ordered").describe("How the next target is chosen."),
    on_cut: later("What happens when a stream is cut."),
  })
  .describe("One alias; the key of the map is its name.");

export const aliasName = text(
  /^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$/,
  "names of letters, digits and `.` `_` `:` `@` `-`, up to 128 characters, without a slash",
);

function isPlainUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && url.username === "" && url.password === "" && url.search === "" && url.hash === "";
}
