import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningSimulator, startSimulator } from "../../src/simulator/simulator.ts";

describe("a fault", () => {
  let simulator: RunningSimulator;
  beforeAll(async () => {
    simulator = await startSimulator();
  });
  afterAll(() => simulator.close());

  function post(
    fault: string,
    { header = false, stream = true, model = "echo", signal }: Asking = {},
  ): Promise<Response> {
    return fetch(`${simulator.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", ...(header ? { "x-simulate": `fault=${fault}` } : {}) },
      body: JSON.stringify({
        model: header ? model : `${model}+fault=${fault}`,
        stream,
        messages: [{ role: "user", content: "/say one two three four five" }],
      }),
      ...(signal ? { signal } : {}),
    });
  }

  it.each([400, 401, 403, 404, 408, 409, 413, 429, 500, 502, 503, 529])("answers with status %i", async (status) => {
    const response = await post(String(status));
    expect(response.status).toBe(status);
    expect(response.headers.get("x-simulated")).toBe("true");
    expect(await response.json()).toMatchObject({ error: { message: expect.stringContaining("simulated") } });
  });

  it("is chosen by header as well, with settings, and ends after so many times", async () => {
    const statuses: number[] = [];
    for (const _ of [1, 2, 3]) statuses.push((await post("429,seconds=7,times=2", { header: true })).status);
    expect(statuses).toEqual([429, 429, 200]);
    expect((await post("429,seconds=9")).headers.get("retry-after")).toBe("9");
  });

  it("is counted for each model", async () => {
    const statuses: number[] = [];
    for (const model of ["gpt-4.1", "gpt-5", "gpt-5"]) statuses.push((await post("503,times=1", { model })).status);
    expect(statuses).toEqual([503, 503, 200]);
  });

  it("cuts a stream after some tokens", async () => {
    const response = await post("cut,after=2");
    const { text, error } = await readAll(response);
    expect(contentOf(text)).toBe("one two");
    expect(error).toBeInstanceOf(Error);
  });

  it("ends a stream as if it were whole", async () => {
    const { text, error } = await readAll(await post("early-end,after=2"));
    expect([contentOf(text), text.includes('finish_reason":"stop'), error]).toEqual(["one two", false, null]);
  });

  it("sends an error event, or one that is no JSON", async () => {
    expect((await readAll(await post("error-event"))).text).toMatch(/data: \{"error":.*\n\n$/);
    expect((await readAll(await post("malformed"))).text).toMatch(/"content": "\n\n$/);
  });

  it("stalls until the caller leaves", async () => {
    const leave = new AbortController();
    const response = await post("stall,after=1", { signal: leave.signal });
    const reader = response.body?.getReader();
    let text = "";
    while (contentOf(text) !== "one") text += new TextDecoder().decode((await reader?.read())?.value);
    leave.abort();
    await expect(reader?.read()).rejects.toThrow();
    await expect.poll(() => simulator.calls.at(-1)?.left).toBe(true);
  });

  it("splits code points without losing one", async () => {
    const { text, error } = await readAll(await post("split-utf8"));
    expect([contentOf(text), error]).toEqual(["one two three four five", null]);
  });

  it("drops the connection, sends a proxy's page, or nothing", async () => {
    await expect(post("drop")).rejects.toThrow();
    const page = await post("html");
    expect([page.status, page.headers.get("content-type")]).toEqual([502, "text/html"]);
    expect(await (await post("empty", { stream: false })).text()).toBe("");
  });

  it("that nobody knows is refused with those that are", async () => {
    expect(await (await post("nonsense")).json()).toMatchObject({
      error: { message: expect.stringMatching(/no fault "nonsense"; it has 400, /) },
    });
    expect((await post("stall,when=2")).status).toBe(400);
  });
});

interface Asking {
  readonly header?: boolean;
  readonly stream?: boolean;
  readonly model?: string;
  readonly signal?: AbortSignal;
}

async function readAll(response: Response): Promise<{ readonly text: string; readonly error: unknown }> {
  const decoder = new TextDecoder();
  let text = "";
  try {
    for await (const bytes of response.body ?? []) text += decoder.decode(bytes, { stream: true });
    return { text, error: null };
  } catch (error) {
    return { text, error };
  }
}

function contentOf(stream: string): string {
  return [...stream.matchAll(/"content":"([^"]*)"/g)].map(([, content]) => content).join("");
}
