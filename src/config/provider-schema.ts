import * as z from "zod";
import { factFields, priceFields } from "./fact-fields.ts";
import { secretReference, text } from "./fields.ts";
import { providerKinds } from "./provider-kinds.ts";
import { boundOverrides, routeFields } from "./resilience-schema.ts";

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

/** A model, and what is known of it better than the catalogue and the provider's list know it. */
const modelEntry = z.union([
  modelName,
  z
    .strictObject({
      id: modelName.describe("The provider's name of the model."),
      ...factFields,
      deployment: text(/^[A-Za-z0-9_.-]{1,64}$/, "the name of a deployment: letters, digits and `_` `.` `-`")
        .optional()
        .describe("Name that the model was deployed under at Azure, where that is not the model's own."),
      price: z
        .strictObject(priceFields)
        .optional()
        .describe("What its tokens cost, for `cheapest`. Default: what the provider's list or the catalogue says."),
    })
    .describe("A model with facts of its own, instead of its name alone."),
]);

const keyName = text(/^[a-z0-9]+(-[a-z0-9]+)*$/, "names of lower-case letters and digits, parts joined by `-`").max(64);
const weight = z.number().min(0).max(1_000).default(1);

const providerKey = z
  .strictObject({
    name: keyName.optional().describe("Name for metrics and logs. Default: `key-2` for the second, and so on."),
    secret: secretReference("The key."),
    weight: weight.describe("Share of the requests, relative to the other keys'."),
  })
  .describe("One key of an instance.");

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
    region: text(/^[a-z]{2}(-[a-z]+)+-\d$/, "a region of AWS, such as us-east-1")
      .optional()
      .describe(
        "Bedrock only. Where `base_url` is, unless given, and what signatures are for. Default: that of `base_url`, else `AWS_REGION` or `AWS_DEFAULT_REGION`.",
      ),
    aws_access_key_id: secretReference(
      "Bedrock only: signs requests instead of an `api_key`. Default, where no key is given: `AWS_ACCESS_KEY_ID` with its two companions.",
    ).optional(),
    aws_secret_access_key: secretReference("Bedrock only: the secret of that key.").optional(),
    aws_session_token: secretReference("Bedrock only: of temporary credentials.").optional(),
    project: text(/^[a-z][a-z0-9.:-]{2,62}$/, "a project's id, such as my-project")
      .optional()
      .describe("Vertex only. Default: `GOOGLE_CLOUD_PROJECT`."),
    location: text(/^[a-z]+(-[a-z0-9]+)*$/, "a location, such as europe-west4 or global")
      .optional()
      .describe("Vertex only. Default: `GOOGLE_CLOUD_LOCATION`, else `global`."),
    credentials_file: text(/^\/.{1,4096}$/s, "an absolute path")
      .optional()
      .describe(
        "Vertex only: key file of a service account, or a user's login, that access tokens are asked for with. Default, where no `api_key` is given: `GOOGLE_APPLICATION_CREDENTIALS`, else the machine's metadata server.",
      ),
    api_version: text(
      /^(v1|preview|latest|\d{4}-\d{2}-\d{2}(-preview)?)$/,
      "a version of Azure's interface, such as 2024-10-21, 2025-04-01-preview, preview or v1",
    )
      .optional()
      .describe(
        "Azure only. A dated version asks at `/openai/deployments/<model>/…?api-version=…`. Default: `/openai/v1`, which needs none.",
      ),
    models: z
      .array(modelEntry)
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
    keys: z
      .array(providerKey)
      .max(64)
      .default([])
      .describe("Several keys for one instance, beside `api_key` or instead of it. Each is left alone by itself."),
    http2: z
      .boolean()
      .default(false)
      .describe("Whether HTTP/2 is offered to the server, so that requests share connections. Needs https."),
    warm_connections: z
      .int()
      .min(0)
      .max(64)
      .default(0)
      .describe(
        "Connections to `base_url` that are kept ready, TLS included, beside those in use: from the start on, and for " +
          "ten minutes after the last request.",
      ),
    ...boundOverrides,
  })
  .describe("One provider instance; the key of the map is its name, as in `instance/model`.");

export const instanceName = text(
  /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/,
  "names of lower-case letters and digits, parts joined by `-`",
).max(64);

const target = z.union([
  modelName,
  z
    .strictObject({
      model: modelName.describe("`instance/model`, or a model name that an instance offers."),
      weight: weight.describe("Share of the requests under `weighted` and `least-busy`, relative to the others'."),
      ...boundOverrides,
    })
    .describe("A target with a weight or bounds of its own, instead of its name alone."),
]);

/** One alias or virtual model, under its name. */
export const aliasSchema = z
  .strictObject({
    targets: z
      .array(target)
      .min(1)
      .max(16)
      .describe("Models to ask, best first: `instance/model`, or a model name that an instance offers."),
    ...routeFields,
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
