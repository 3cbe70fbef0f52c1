import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { describe, expect, it } from "vitest";
import { ChatService } from "../../gen/trunkline/v1/chat_pb.ts";
import { Role } from "../../gen/trunkline/v1/message_pb.ts";
import { useGateway } from "../fakes/gateway.ts";
import { mustRun } from "../tooling/run-tool.ts";

const gateway = useGateway();
const models = ["simulator/echo", "simulator-anthropic/claude-echo"];

function client() {
  return createClient(ChatService, createGrpcTransport({ baseUrl: gateway.url }));
}

describe("a client in TypeScript", () => {
  it("streams with one switch", async () => {
    const parts = [{ kind: { case: "text" as const, value: "/say Grüße, 世界 👋" } }];
    const request = { model: "simulator/echo", messages: [{ role: Role.USER, parts }] };
    let text = "";
    let tokens: number | undefined;
    for await (const { event } of client().streamChat({ request })) {
      switch (event.case) {
        case "textDelta":
          text += event.value;
          break;
        case "completed":
          tokens = event.value.usage?.outputTokens;
          break;
        default:
      }
    }
    expect([text, tokens]).toEqual(["Grüße, 世界 👋", 3]);
  });

  it.each(models)("sends images and files to %s", async (model) => {
    const png = Buffer.from(
      "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/VscvDQAAAABJRU5ErkJggg==",
      "base64",
    );
    const pdf = Buffer.from("%PDF-1.4\n%%EOF\n");
    const parts = [
      { kind: { case: "text" as const, value: "What is this?" } },
      {
        kind: {
          case: "image" as const,
          value: { media: { source: { case: "data" as const, value: png }, mediaType: "image/png" } },
        },
      },
      {
        kind: {
          case: "file" as const,
          value: {
            media: { source: { case: "data" as const, value: pdf }, mediaType: "application/pdf", filename: "a.pdf" },
          },
        },
      },
    ];
    const answer = await client().chat({ model, messages: [{ role: Role.USER, parts }] });
    const [part] = answer.choices[0]?.message?.parts ?? [];
    expect(part?.kind).toMatchObject({ case: "text", value: expect.stringContaining("What is this?") });
    expect(answer.notices).toEqual([]);
  });
});

describe("curl", () => {
  const curl = async (...args: string[]) => (await mustRun("curl", ["-sS", "--max-time", "20", ...args])).stdout;

  it("asks by Connect's JSON", async () => {
    const body = { model: "simulator/echo", messages: [{ role: "ROLE_USER", parts: [{ text: "hi" }] }] };
    const answer = await curl(
      ...["-H", "content-type: application/json", "-d", JSON.stringify(body)],
      `${gateway.url}/trunkline.v1.ChatService/Chat`,
    );
    expect(JSON.parse(answer)).toMatchObject({
      choices: [
        {
          message: { role: "ROLE_ASSISTANT", parts: [{ text: "This answer is simulated. You said: hi" }] },
          finishReason: "FINISH_REASON_STOP",
        },
      ],
    });
  });

  it("lists models by GET, and is told 304 when nothing has changed", async () => {
    const url = `${gateway.url}/trunkline.v1.ModelsService/ListModels?connect=v1&encoding=json&message=%7B%7D`;
    const [head = "", body = ""] = (await curl("-i", url)).split("\r\n\r\n");
    expect(JSON.parse(body).models.length).toBeGreaterThan(0);
    const etag = /^etag: (.+)$/im.exec(head)?.[1] ?? "";
    expect(await curl("-i", "-H", `if-none-match: ${etag}`, url)).toMatch(/^HTTP\/1\.1 304/);
  });

  it("speaks HTTP/2 to the same port", async () => {
    expect(
      await curl(
        "--http2-prior-knowledge",
        "-o",
        "/dev/null",
        "-w",
        "%{http_version} %{http_code}",
        `${gateway.url}/v1/models`,
      ),
    ).toBe("2 200");
  });
});
