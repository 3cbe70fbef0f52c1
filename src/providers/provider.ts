import type { CountTokensResponse } from "../../gen/trunkline/v1/chat_pb.ts";
import type { EmbedRequest, EmbedResponse } from "../../gen/trunkline/v1/embeddings_pb.ts";
import type { AwsIdentity } from "../domain/aws-identity.ts";
import type { ChatCall, Dialect, Frame } from "../domain/chat.ts";
import type { GatewayError } from "../domain/errors.ts";
import type { ProviderInstance } from "../domain/instance.ts";
import type { Loss } from "../domain/loss.ts";
import type { ModelFacts } from "../domain/model-facts.ts";
import type { Target } from "../domain/target.ts";

/** A request to a provider, without base URL and credentials: those are added by send.ts. */
export interface ProviderRequest {
  readonly method: "POST" | "GET";
  /** Path below the instance's base URL, such as `/chat/completions`; may carry a query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** UTF-8 where it is bytes. */
  readonly body: string | Buffer | null;
  /** What the translation could not carry over; empty when nothing was lost. */
  readonly losses: readonly Loss[];
  /** What the answer's decoder must remember of the request. */
  readonly memory: DecodeMemory;
}

/** A request that only lacks its signature. */
export interface Unsigned {
  readonly method: string;
  /** Host and port, as the `host` header has them. */
  readonly host: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer | null;
}

/** What a decoder must know of the request it answers. Grows by optional fields. */
export interface DecodeMemory {
  readonly target: Target;
  /** Whether a stream was asked for. */
  readonly stream: boolean;
  /** The format of the answer, where the provider speaks several and the target does not decide. */
  readonly dialect?: Dialect;
  /** Names as the provider knows them → names as the caller gave them, where a name had to be mapped. */
  readonly toolNames?: ReadonlyMap<string, string>;
  /** Names of the caller's custom (free text) tools, where the provider runs them as functions. */
  readonly customTools?: ReadonlySet<string>;
  /** Whether the caller asked for response fields that the contract does not know (`include`: `provider_data`). */
  readonly providerData?: boolean;
  /** How many calls the conversation held: makes ids for calls of providers that give none. */
  readonly callsBefore?: number;
}

/** A provider's answer that is not a success, or a whole unary answer. */
export interface HttpReply {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Decoded as UTF-8, bounded. */
  readonly body: string;
}

/** One event of a stream, as a parser cuts it out of the bytes: server-sent, or what another framing has in its place. */
export interface SseEvent {
  /** Value of the `event:` line; empty when there was none. */
  readonly event: string;
  /** Values of the `data:` lines, joined by LF. */
  readonly data: string;
}

/** Cuts the events of a stream out of its bytes. Used for one stream. */
export interface EventParser {
  /** @throws GatewayError `upstream_error` when an event is larger than the limit */
  push(chunk: Uint8Array): readonly SseEvent[];
  /** The bytes ended: an event that lacks only its end mark still counts. */
  end(): readonly SseEvent[];
}

/** Turns stream events into frames. Holds the stream's state; used for one stream, then dropped. */
export interface StreamDecoder {
  /**
   * @returns the frames of one event, tied to its wire text by `withWire` where they were not repaired
   * @throws GatewayError `upstream_error` on an error event or malformed JSON; the stream is over then
   */
  push(event: SseEvent): readonly Frame[];
  /**
   * The bytes ended.
   * @returns the frames that were still held back, `completed` last if it has not been given
   * @throws GatewayError `upstream_cut` when the answer was not finished
   */
  end(): readonly Frame[];
  /** Whether `completed` has been given: what follows on the wire is ignored. */
  readonly done: boolean;
}

/** One page of the provider's list of models. */
export interface ModelPage {
  readonly models: readonly { readonly id: string; readonly facts: ModelFacts }[];
  /** Path of the next page; null at the end. */
  readonly next: string | null;
}

/** A question about the provider's models, without base URL and credentials. */
export type ModelQuestion = Pick<ProviderRequest, "method" | "path" | "body">;

/**
 * A provider: pure functions over its wire format. No socket, clock, logger or config; the same input gives the same
 * output. Bad settings of the caller throw `invalid_value`, `unsupported_value` or `unsupported_parameter` with the
 * field's contract path, before anything is sent.
 */
export interface Provider {
  /** Provider kind, such as `openai`. */
  readonly kind: string;
  /** Versions that a base URL may end in. The first stands for one that ends in none; absent where paths name theirs. */
  readonly apiVersions?: readonly string[];
  toRequest(call: ChatCall, target: Target): ProviderRequest;
  /** The whole path of a request, where the instance's settings decide it. Absent: the request's, below the base URL's. */
  readonly place?: (request: ProviderRequest, basePath: string, instance: ProviderInstance) => string;
  /** A whole answer, as the frames that a stream would have given. @throws GatewayError `upstream_error` */
  fromResponse(reply: HttpReply, memory: DecodeMemory): readonly Frame[];
  createDecoder(memory: DecodeMemory): StreamDecoder;
  /**
   * Whether a request to the target, built from this call, can carry a proof of that issuer. Absent: none can. Never for a
   * caller whose own body goes on as it is.
   */
  takesProof?(issuer: string, call: ChatCall, target: Target): boolean;
  /** Decides code and retryAfterMs of a failed call. Nobody else reads a provider's status. */
  fromError(reply: HttpReply, memory: DecodeMemory): GatewayError;
  /** Headers of every call, such as the version of the wire format. The instance's configured headers replace them. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Request headers that carry the credential. */
  authHeaders(apiKey: string): Readonly<Record<string, string>>;
  /** Headers that sign a finished request, where the instance has an identity instead of a key. */
  readonly sign?: (request: Unsigned, identity: AwsIdentity, wallMs: number) => Readonly<Record<string, string>>;
  readonly models?: {
    /** Path of the first page. */
    readonly path: string;
    fromResponse(reply: HttpReply): ModelPage;
    /** What the list says of a model, with what the catalogue knows beyond it. Absent: the list's facts win, each whole. */
    merge?(known: ModelFacts, listed: ModelFacts): ModelFacts;
    /** What is told of single models only, where the list says little more than their names. */
    readonly detail?: {
      toRequest(model: string): ModelQuestion;
      fromResponse(reply: HttpReply): ModelFacts;
    };
  };
  /** What names tell where the catalogue has no entry, such as those of a platform; the catalogue's facts win. */
  facts?(model: string): ModelFacts;
  readonly embeddings?: {
    toRequest(request: EmbedRequest, target: Target): ProviderRequest;
    fromResponse(reply: HttpReply, memory: DecodeMemory): EmbedResponse;
  };
  readonly countTokens?: {
    toRequest(call: ChatCall, target: Target): ProviderRequest;
    fromResponse(reply: HttpReply, memory: DecodeMemory): CountTokensResponse;
  };
}
