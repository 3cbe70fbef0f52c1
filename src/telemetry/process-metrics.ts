import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Observed } from "./instruments.ts";

/** How often the event loop is checked. Milliseconds; the delay is measured to about this grain. */
const resolutionMs = 20;

export interface ProcessMetrics {
  readonly observed: Pick<Observed, "residentMemory" | "cpuTime" | "eventLoopDelay">;
  stop(): void;
}

/** Watches this process: memory and CPU when asked, the event loop all the time. */
export function watchProcess(): ProcessMetrics {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  delay.enable();
  return {
    observed: {
      residentMemory: () => [{ value: process.memoryUsage.rss(), labels: {} }],
      cpuTime: () => {
        const { user, system } = process.cpuUsage();
        return [{ value: (user + system) / 1e6, labels: {} }];
      },
      eventLoopDelay: () => {
        const p99Ns = delay.percentile(99);
        delay.reset();
        // The timer itself waits for its interval: what is above it is delay.
        return [{ value: Math.max(0, p99Ns / 1e9 - resolutionMs / 1e3), labels: {} }];
      },
    },
    stop: () => void delay.disable(),
  };
}
