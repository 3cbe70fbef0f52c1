import type { ChatRequest } from "../../../gen/trunkline/v1/chat_pb.ts";
import type { CacheMark } from "../../../gen/trunkline/v1/message_pb.ts";
import type { JsonMembers } from "../../dialects/json-text.ts";
import type { LossReport } from "../../domain/loss.ts";

/** Converse takes so many in a request. */
const maxPoints = 4;

/** The caller's cache marks, in the order of the prompt: a mark on a part is a point behind it. */
export class CachePoints {
  readonly #options: ChatRequest["cache"];
  readonly #supported: boolean;
  readonly #losses: LossReport;
  /** Later points cover longer prefixes, so the earliest are the ones to give up. */
  #surplus: number;

  constructor({ cache, tools, messages }: ChatRequest, supported: boolean, losses: LossReport) {
    const marked = [...tools, ...messages.flatMap(({ parts }) => parts)].filter((one) => one.cache !== undefined);
    this.#options = cache;
    this.#supported = supported;
    this.#losses = losses;
    this.#surplus = Math.max(marked.length - maxPoints, 0);
    if (cache?.key !== undefined) losses.drop("cache.key", "this provider has no cache keys.");
    if (cache?.mode !== undefined && cache.mode !== "explicit")
      losses.drop("cache.mode", "this provider caches what is marked.");
    if (cache?.cachedContent !== undefined)
      losses.drop("cache.cached_content", "this provider has no stored prefixes.");
    if (cache?.ttl !== undefined && (marked.length === 0 || !supported))
      losses.drop("cache.ttl", "nothing is marked to be cached.");
  }

  /** The point behind what was sent for a marked part or tool; nothing where there is no mark. */
  behind(mark: CacheMark | undefined, field: string, isSent = true): readonly JsonMembers[] {
    if (mark === undefined) return [];
    if (!this.#supported) return this.#drop(field, "this model takes no cache marks.");
    if (this.#surplus-- > 0) return this.#drop(field, `at most ${maxPoints} cache marks are allowed.`);
    if (!isSent) return this.#drop(field, "nothing that can be marked is sent for this part.");
    return [{ cachePoint: { type: "default", ...this.#ttl(mark, field) } }];
  }

  #ttl(mark: CacheMark, field: string): JsonMembers {
    const seconds = Number(mark.ttl?.seconds ?? this.#options?.ttl?.seconds ?? 0n);
    if (seconds === 0) return {};
    const [ttl, kept] = seconds <= 300 ? ["5m", 300] : ["1h", 3600];
    if (seconds !== kept) this.#losses.approximate(`${field}.ttl`, `sent as ${ttl}: it caches for 5m or 1h.`);
    return { ttl };
  }

  #drop(field: string, why: string): readonly JsonMembers[] {
    this.#losses.drop(field, why);
    return [];
  }
}
