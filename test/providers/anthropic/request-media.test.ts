import { describe, expect, it } from "vitest";
import { refusal, translate, user } from "./fixtures.ts";

const bytes = (magic: string) => Uint8Array.from(magic, (char) => char.charCodeAt(0));

function image(data: Uint8Array, mediaType: string) {
  return {
    kind: { case: "image" as const, value: { media: { source: { case: "data" as const, value: data }, mediaType } } },
  };
}

function file(data: Uint8Array, mediaType: string) {
  return {
    kind: { case: "file" as const, value: { media: { source: { case: "data" as const, value: data }, mediaType } } },
  };
}

const typeOf = (data: Uint8Array, mediaType: string) =>
  translate({ messages: [user(image(data, mediaType))] }).body.messages[0].content[0].source.media_type;

describe("pictures", () => {
  it("edge case 83: the media type is corrected from the bytes", () => {
    expect(typeOf(bytes("\xff\xd8\xff\xe0"), "image/png")).toBe("image/jpeg");
    expect(typeOf(bytes("\x89PNG\r\n\x1a\n"), "image/jpeg")).toBe("image/png");
    expect(typeOf(bytes("RIFF0000WEBP"), "")).toBe("image/webp");
  });

  it("edge case 84: image/jpg is image/jpeg; other types are refused with the part's path", () => {
    expect(typeOf(bytes("????"), "image/jpg")).toBe("image/jpeg");
    for (const mediaType of ["image/svg+xml", "image/bmp", ""]) {
      const refused = refusal({ messages: [user("See", image(bytes("<svg/>"), mediaType))] });
      expect(refused).toMatchObject({ code: "unsupported_value", detail: { field: "messages[0].parts[1].image" } });
      expect(refused.message).toContain("image/webp");
    }
  });
});

describe("documents", () => {
  it("text that is not UTF-8 and types that are no text are refused", () => {
    expect(refusal({ messages: [user(file(bytes("\xff\xfe"), "text/plain"))] }).code).toBe("unsupported_value");
    expect(refusal({ messages: [user(file(bytes("PK"), "application/zip"))] }).detail.field).toBe(
      "messages[0].parts[0].file",
    );
  });

  it("a picture that came as a file is sent as a picture", () => {
    const { body } = translate({ messages: [user(file(bytes("GIF89a"), ""))] });
    expect(body.messages[0].content[0].type).toBe("image");
  });

  it("JSON and other text goes as plain text", () => {
    const { body } = translate({ messages: [user(file(bytes('{"a":1}'), "application/json"))] });
    expect(body.messages[0].content[0].source).toEqual({ type: "text", media_type: "text/plain", data: '{"a":1}' });
  });
});

describe("sound and video", () => {
  it.each(["audio", "video"] as const)("%s is refused under every policy", (kind) => {
    const media = { source: { case: "uri" as const, value: "https://x.test/a" } };
    const part = { kind: { case: kind, value: { media } } };
    expect(refusal({ messages: [user(part)] })).toMatchObject({
      code: "unsupported_value",
      detail: { field: `messages[0].parts[0].${kind}` },
    });
  });
});
