import { Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import {
  type Health,
  type HealthCheckRequest,
  type HealthCheckResponse,
  HealthCheckResponse_ServingStatus as Status,
} from "../../../gen/grpc/health/v1/health_pb.ts";
import type { Readiness } from "../../domain/readiness.ts";

/** Watchers at most. Each holds a stream open for as long as it likes, without a credential. */
const maxWatchers = 1_000;

/**
 * The standard health service: status only, so it needs no credential. The empty name and every served service have the
 * gateway's own readiness.
 * @param services full names of the served services
 */
export function createHealthService(readiness: Readiness, services: readonly string[]): ServiceImpl<typeof Health> {
  const known = new Set(["", ...services]);
  const statusNow = () => (readiness.ready ? Status.SERVING : Status.NOT_SERVING);
  let watchers = 0;

  async function* watch(
    { service }: HealthCheckRequest,
    { signal }: HandlerContext,
  ): AsyncIterable<HealthCheckResponse> {
    if (watchers >= maxWatchers) throw new ConnectError("too many watchers", Code.ResourceExhausted);
    watchers++;
    let wake = () => {};
    const unsubscribe = readiness.subscribe(() => wake());
    const onAbort = () => wake();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      let told: Status | null = null;
      while (!signal.aborted) {
        const changed = new Promise<void>((resolve) => {
          wake = resolve;
        });
        // A service that is unknown today may be served tomorrow: the protocol asks to say so and to go on.
        const status: Status = known.has(service) ? statusNow() : Status.SERVICE_UNKNOWN;
        if (status !== told) yield answer(status);
        told = status;
        // A stream that waits for ever would be what draining waits for.
        if (readiness.final) return;
        await changed;
      }
    } finally {
      watchers--;
      unsubscribe();
      signal.removeEventListener("abort", onAbort);
    }
  }

  return {
    check({ service }) {
      if (!known.has(service)) throw new ConnectError("unknown service", Code.NotFound);
      return answer(statusNow());
    },
    list: () => ({ statuses: Object.fromEntries([...known].map((name) => [name, answer(statusNow())])) }),
    watch,
  };
}

function answer(status: Status): HealthCheckResponse {
  return { $typeName: "grpc.health.v1.HealthCheckResponse", status };
}
