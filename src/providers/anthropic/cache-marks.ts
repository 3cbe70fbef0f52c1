import type { CacheOptions } from "../../../gen/trunkline/v1/chat_pb.ts";
import type { CacheMark } from "../../../gen/trunkline/v1/message_pb.ts";
import type { JsonMembers } from "../../dialects/json-text.ts";
import type { LossReport } from "../../domain/loss.ts";

/** Most cache_control marks in one request, the automatic one at the top level included. */
const maxMarks = 4;

/** Collects the caller's cache marks in the order of the prompt: tools, system, messages. */
export class CacheMarks {
  readonly #losses: LossReport;
  readonly #options: CacheOptions | undefined;
  readonly #marks: { readonly block: JsonMembers; readonly mark: CacheMark; readonly field: string }[] = [];

  constructor(options: CacheOptions | undefined, losses: LossReport) {
    this.#options = options;
    this.#losses = losses;
  }

  /** @param block null when the marked part is not sent */
  note(block: JsonMembers | null, mark: CacheMark | undefined, field: string): void {
    if (mark === undefined) return;
    const type = block?.type;
    if (block === null || type === "thinking" || type === "redacted_thinking") {
      return this.#losses.drop(field, "nothing that can be marked is sent for this part.");
    }
    this.#marks.push({ block, mark, field });
  }

  /** Writes the marks into their blocks. @returns members of the request's top level */
  apply(): JsonMembers {
    const options = this.#options;
    if (options?.key !== undefined) this.#losses.drop("cache.key", "this provider has no cache keys.");
    if (options?.cachedContent !== undefined) {
      this.#losses.drop("cache.cached_content", "this provider has no stored prefixes.");
    }
    const automatic = options?.mode === "implicit";
    if (options?.ttl !== undefined && !automatic && this.#marks.length === 0) {
      this.#losses.drop("cache.ttl", "nothing is marked to be cached.");
    }
    const surplus = this.#marks.length - (automatic ? maxMarks - 1 : maxMarks);
    this.#marks.forEach(({ block, mark, field }, position) => {
      // Later marks cover longer prefixes, so the earliest are the ones to give up.
      if (position < surplus) this.#losses.drop(field, `at most ${maxMarks} cache marks are allowed.`);
      else block.cache_control = this.#control(mark.ttl?.seconds ?? options?.ttl?.seconds, `${field}.ttl`);
    });
    return automatic ? { cache_control: this.#control(options?.ttl?.seconds, "cache.ttl") } : {};
  }

  /** The provider knows five minutes, its default, and an hour. */
  #control(ttlSeconds: bigint | undefined, field: string): JsonMembers {
    const seconds = Number(ttlSeconds ?? 0n);
    if (seconds === 0) return { type: "ephemeral" };
    const [ttl, kept] = seconds <= 300 ? ["5m", 300] : ["1h", 3600];
    if (seconds !== kept) this.#losses.approximate(field, `sent as ${ttl}: this provider caches for 5m or 1h.`);
    return { type: "ephemeral", ttl };
  }
}
