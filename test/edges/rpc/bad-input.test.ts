import { connect } from "node:http2";
import { afterAll, describe, expect, it } from "vitest";
import { useGateway } from "../../fakes/gateway.ts";

const gateway = useGateway();
const chatPath = "/trunkline.v1.ChatService/Chat";
const afterwards: (() => void)[] = [];
afterAll(() => {
  for (const close of afterwards) close();
});

async function post(body: string | Uint8Array, headers: Readonly<Record<string, string>> = {}, path = chatPath) {
  const response = await fetch(gateway.url + path, {
    method: "POST",
    headers: { "content-type": "application/json", "connect-protocol-version": "1", ...headers },
    body: typeof body === "string" ? body : new Blob([new Uint8Array(body)]),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: text.startsWith("{") ? JSON.parse(text) : {},
  };
}

const good = { model: "simulator/echo", messages: [{ role: "ROLE_USER", parts: [{ text: "Hi" }] }] };
const withPart = (part: unknown) => JSON.stringify({ ...good, messages: [{ role: "ROLE_USER", parts: [part] }] });

/** Requests that reached a provider, by the log. */
function sent(): number {
  return gateway.logged.filter(({ fields }) => Number(fields.attempts) > 0).length;
}

describe("what cannot be read is refused with its place, and never sent", () => {
  it.each<[string, string | Uint8Array, RegExp]>([
    ["no JSON", "{", /JSON/i],
    ["another type", JSON.stringify({ ...good, model: 5 }), /model/],
    ["an unknown field", JSON.stringify({ ...good, temprature: 1 }), /temprature/],
    ["an unknown enum value", JSON.stringify({ ...good, messages: [{ role: "ROLE_KING", parts: [] }] }), /ROLE_KING/],
    ["two kinds of one part", withPart({ text: "a", refusal: { text: "b" } }), /kind/],
    ["no messages", JSON.stringify({ model: "simulator/echo" }), /messages/],
    ["a message without parts", JSON.stringify({ ...good, messages: [{ role: "ROLE_USER" }] }), /messages\[0\]\.parts/],
    ["a part without a kind", withPart({}), /messages\[0\]\.parts\[0\]\.kind/],
    ["a name that is too long", JSON.stringify({ ...good, model: "m".repeat(300) }), /model/],
    ["a number that is none", `{"model":"m","temperature":"hot","messages":[]}`, /temperature/],
    ["a number beyond its type", `{"model":"m","maxOutputTokens":3000000000,"messages":[]}`, /max/i],
    ["bytes that are no base64", withPart({ image: { media: { data: "§§§", mediaType: "image/png" } } }), /data/],
    [
      "bytes that are no UTF-8",
      Buffer.concat([Buffer.from('{"model":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]),
      /./,
    ],
    ["a prototype's name", `{"model":"simulator/echo","__proto__":{"admin":true},"messages":[]}`, /__proto__/],
    ["a depth that nobody needs", `{"model":"m","messages":${"[".repeat(50_000)}${"]".repeat(50_000)}}`, /./],
  ])("%s", async (_, body, message) => {
    const before = sent();
    const { status, json } = await post(body);
    expect([status, json.code]).toEqual([400, "invalid_argument"]);
    expect(json.message).toMatch(message);
    expect(sent()).toBe(before);
  });

  it("unknown fields in metadata do not change what an object is", async () => {
    await post(JSON.stringify(good).replace("{", '{"labels":{"__proto__":"x","constructor":"y"},'));
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });

  it.each<[string, Uint8Array]>([
    ["a length beyond the end", Buffer.from([0x0a, 0x7f, 0x61])],
    ["a field that never ends", Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])],
    ["a group that nobody closes", Buffer.from([0x0b])],
    ["text that is no UTF-8", Buffer.from([0x0a, 0x02, 0xc3, 0x28])],
    // messages { parts { tool_result { parts { tool_result { … } } } } }, ten thousand deep.
    ["messages in messages without end", nested(10_000)],
  ])("protobuf with %s", async (_, bytes) => {
    const before = sent();
    const { status, json } = await post(bytes, { "content-type": "application/proto" });
    expect([status, json.code]).toEqual([400, "invalid_argument"]);
    expect(sent()).toBe(before);
  });
});

function nested(depth: number): Buffer {
  // Length-delimited field 2 around a growing payload: wherever 2 is a message it nests, elsewhere it is skipped.
  let bytes: Buffer = Buffer.alloc(0);
  for (let i = 0; i < depth; i++) {
    const length: number[] = [];
    for (let left = bytes.length; ; left >>>= 7) {
      if (left < 0x80) {
        length.push(left);
        break;
      }
      length.push((left & 0x7f) | 0x80);
    }
    bytes = Buffer.concat([Buffer.from([0x12, ...length]), bytes]);
  }
  return bytes;
}

describe("what is no call of a method", () => {
  it("an unknown method is unimplemented in the caller's protocol", async () => {
    const connectAnswer = await post("{}", {}, "/trunkline.v1.ChatService/Nothing");
    expect([connectAnswer.status, connectAnswer.json.code]).toEqual([404, "unimplemented"]);
    const web = await post(
      new Uint8Array(5),
      { "content-type": "application/grpc-web+proto" },
      "/trunkline.v1.ChatService/Nothing",
    );
    expect([web.status, web.headers.get("grpc-status")]).toEqual([200, "12"]);
  });

  it("an unknown content type is 415, and says what is known", async () => {
    const { status, headers } = await post("hello", { "content-type": "text/plain" });
    expect(status).toBe(415);
    expect(headers.get("accept-post")).toContain("application/json");
  });

  it("GET is for methods without side effects", async () => {
    const response = await fetch(`${gateway.url}${chatPath}?connect=v1&encoding=json&message=%7B%7D`);
    expect([response.status, response.headers.get("allow")]).toEqual([405, "POST"]);
  });

  it.each(["soon", "-5", "99999999999999999999"])("a deadline of %s is refused", async (timeout) => {
    const { status, json } = await post(JSON.stringify(good), { "connect-timeout-ms": timeout });
    expect([status, json.code]).toEqual([400, "invalid_argument"]);
  });

  it("an unknown compression is refused, and says what is known", async () => {
    const { json } = await post(JSON.stringify(good), { "content-encoding": "zstd" });
    expect(json.code).toBe("unimplemented");
    expect(json.message).toMatch(/gzip/);
  });

  it("a body that only claims to be compressed is refused", async () => {
    const { status, json } = await post(JSON.stringify(good), { "content-encoding": "gzip" });
    expect([status, json.code]).toEqual([400, "invalid_argument"]);
  });
});

describe("gRPC", () => {
  /** One call with these bytes as its body; gives its trailers. */
  async function call(body: Uint8Array, more: Readonly<Record<string, string>> = {}): Promise<Record<string, unknown>> {
    const session = connect(gateway.url);
    afterwards.push(() => session.destroy());
    const headers = {
      ":method": "POST",
      ":path": chatPath,
      "content-type": "application/grpc",
      te: "trailers",
      ...more,
    };
    const stream = session.request(headers);
    let got: Record<string, unknown> = {};
    stream.on("response", (response) => (got = { ...got, ...response }));
    stream.on("trailers", (trailers) => (got = { ...got, ...trailers }));
    stream.end(body);
    stream.resume();
    await new Promise((resolve) => stream.once("close", resolve));
    session.close();
    return got;
  }

  it.each<[string, Uint8Array, string]>([
    ["no message", new Uint8Array(0), "12"],
    ["half a message", Buffer.from([0, 0, 0, 0, 9, 1]), "3"],
    ["a length of 4 GiB", Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1]), "8"],
    ["two messages where there is one", Buffer.alloc(10), "12"],
    ["a message that claims to be compressed", Buffer.from([1, 0, 0, 0, 2, 1, 2]), "13"],
    ["a message that cannot be read", Buffer.from([0, 0, 0, 0, 3, 0x0a, 0x7f, 0x61]), "3"],
  ])("%s ends with a status", async (_, body, status) => {
    const got = await call(body);
    expect([got[":status"], got["grpc-status"], got["grpc-message"]]).toEqual([200, status, expect.any(String)]);
  });

  it("a wrong timeout is refused", async () => {
    expect((await call(Buffer.alloc(5), { "grpc-timeout": "soon" }))["grpc-status"]).toBe("3");
  });
});
