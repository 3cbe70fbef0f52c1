import type { AwsIdentity } from "./aws-identity.ts";
import type { GoogleIdentity } from "./google-identity.ts";
import type { ModelFacts } from "./model-facts.ts";
import type { Secret } from "./secret.ts";
import type { BoundOverrides } from "./time-bounds.ts";

/** A configured provider: one base URL with its credential. Several may share a kind. */
export interface ProviderInstance {
  /** Name in `instance/model`, such as `openai-east`. */
  readonly name: string;
  /** Provider kind, such as `openai`: which adapter translates. */
  readonly provider: string;
  /** As the official SDKs take it: `https://api.openai.com/v1`, `https://api.anthropic.com`. No trailing slash. */
  readonly baseUrl: string;
  /** Unix socket to connect to instead of the base URL's host; for the embedded simulator. */
  readonly socketPath: string | null;
  /** Keys to ask with, the first one for the list of models; none where the server asks for none. */
  readonly keys: readonly ProviderKey[];
  /** Configured models: served even if the provider's own list cannot be read. */
  readonly models: readonly string[];
  /** What the operator knows better of models than catalogue and list do, by model. */
  readonly facts?: ReadonlyMap<string, ModelFacts>;
  readonly wire: "exact" | "repair";
  /** Whether answers come from the simulator and say so. */
  readonly simulated: boolean;
  /** Further request headers, such as `anthropic-version`. Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Signs requests where no key is given. Bedrock. */
  readonly aws?: AwsIdentity;
  /** Asks for access tokens where no key is given. Vertex. */
  readonly google?: GoogleIdentity;
  /** Version of the interface, where the provider's address names one. Azure. */
  readonly apiVersion?: string;
  /** Whether HTTP/2 is offered. */
  readonly http2?: boolean;
  /** Connections that are kept ready; none if left out. */
  readonly warmConnections?: number;
  /** What differs from the configured bounds. */
  readonly bounds?: BoundOverrides;
}

/** One of an instance's credentials. */
export interface ProviderKey {
  /** The operator's name for it, for metrics and logs. */
  readonly name: string;
  readonly secret: Secret;
  /** Share of the traffic, relative to the other keys'. */
  readonly weight: number;
}
