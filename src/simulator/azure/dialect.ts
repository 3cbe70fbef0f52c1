import type { Dialect, Exchange, Reply, StreamEvent, WholeReply } from "../exchange.ts";
import { type Fields, isFields } from "../json.ts";
import { openai } from "../openai/dialect.ts";
import { WireError } from "../wire-error.ts";
import { FilteredRequest, filteredPrompt, inChoices, promptResults } from "./filter.ts";

/**
 * Azure OpenAI: OpenAI's formats under `/openai/v1`, or below a deployment with a dated `api-version`, and what a
 * content filter found of both sides.
 */
export const azure: Dialect = {
  ...openai,
  route: (exchange) => {
    const inner = innerOf(exchange);
    if (inner === null) return null;
    const act = openai.route(inner);
    if (act === null) return null;
    if (exchange.method !== "POST" || !inner.path.endsWith("/chat/completions")) return act;
    return () => {
      const category = filteredPrompt(inner.body);
      if (category !== null) throw new FilteredRequest(category);
      return withFilter(act());
    };
  },
  authenticate: ({ "api-key": key, authorization }) => {
    const token = authorization?.startsWith("Bearer eyJ") ? authorization : undefined;
    if ((key ?? token ?? "") === "" || key === "invalid") {
      throw new WireError(
        401,
        "",
        "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active " +
          "subscription and use a correct regional API endpoint for your resource.",
        { code: "401" },
      );
    }
  },
  failureOf: (status, seconds) => {
    if (status !== 429) return openai.failureOf(status, seconds);
    const message = `Requests to the ChatCompletions_Create Operation have exceeded the token rate limit. Retry after ${seconds} seconds.`;
    const headers = { "retry-after": String(seconds), "retry-after-ms": String(seconds * 1_000) };
    return new WireError(429, "", message, { code: "RateLimitReached", headers });
  },
  renderError,
  modelOf: (body, path) => deploymentIn(path ?? "") ?? openai.modelOf(body, path),
};

/** The exchange as OpenAI knows it; null where Azure has nothing. */
function innerOf(exchange: Exchange): Exchange | null {
  const { path, query } = exchange;
  const version = query.get("api-version");
  const current = /^\/openai\/v1(\/.*)$/.exec(path)?.[1];
  if (current !== undefined) {
    if (version !== null && /^\d/.test(version)) throw noVersion();
    return { ...exchange, path: `/v1${current}` };
  }
  const dated = /^\/openai(?:\/deployments\/[^/]+)?(\/.*)$/.exec(path)?.[1];
  if (dated === undefined) return null;
  if (version === null || !/^\d{4}-\d\d-\d\d(-preview)?$/.test(version)) throw noVersion();
  const deployment = deploymentIn(path);
  const body = deployment !== null && isFields(exchange.body) ? { ...exchange.body, model: deployment } : exchange.body;
  return { ...exchange, body, path: `/v1${dated}` };
}

function deploymentIn(path: string): string | null {
  return /^\/openai\/deployments\/([^/]+)\//.exec(path)?.[1] ?? null;
}

function noVersion(): WireError {
  return new WireError(404, "", "Resource not found", { code: "404" });
}

function withFilter(reply: Reply): Reply {
  if (!("events" in reply)) {
    const { choices, ...rest } = reply.body as Fields;
    const body = { ...rest, choices: inChoices(choices, "message"), prompt_filter_results: promptResults() };
    return { ...reply, body };
  }
  return { ...reply, events: filtered(reply.events) };
}

function* filtered(events: Iterable<StreamEvent>): Generator<StreamEvent> {
  const head = { choices: [], created: 0, id: "", model: "", object: "", prompt_filter_results: promptResults() };
  yield { text: `data: ${JSON.stringify(head)}\n\n`, token: false };
  for (const event of events) {
    const data = /^data: (\{.*)\n\n$/s.exec(String(event.text))?.[1];
    if (data === undefined) {
      yield event;
      continue;
    }
    const chunk: Fields = JSON.parse(data);
    yield { ...event, text: `data: ${JSON.stringify({ ...chunk, choices: inChoices(chunk.choices, "delta") })}\n\n` };
  }
}

function renderError(error: Error, requestId: string): WholeReply {
  const { headers, body, status } = openai.renderError(error, requestId);
  const known = error instanceof WireError ? error : null;
  const more = { "apim-request-id": requestId, "x-ms-region": "Simulated" };
  // What stands in front of the models knows code and message alone.
  if (known?.type === "" && !(known instanceof FilteredRequest)) {
    const bare = { error: { code: known.code, message: known.message } };
    return { status, headers: { ...headers, ...more }, body: bare };
  }
  const inner = error instanceof FilteredRequest ? { type: null, status: 400, innererror: error.inner } : {};
  const { error: said } = body as { error: Fields };
  return { status, headers: { ...headers, ...more }, body: { error: { ...said, ...inner } } };
}
