import type { Route } from "./routes.ts";

/** Health on the public port: a status and nothing else. Details are for the ops listener. */
export function healthRoutes(ready: () => boolean): readonly Route[] {
  return [
    { method: "GET", path: "/health/live", policy: "public", answer: () => ok },
    { method: "GET", path: "/health/ready", policy: "public", answer: () => (ready() ? ok : unready) },
  ];
}

const ok = { status: 200, json: '{"status":"ok"}' };
const unready = { status: 503, json: '{"status":"unavailable"}' };
