import { crc32 } from "node:zlib";

/** An event of AWS's event stream. @param headers texts by name, such as `:event-type` */
export function encodeMessage(headers: Readonly<Record<string, string>>, payload: object): Uint8Array {
  const head = Buffer.concat(Object.entries(headers).map(encodeHeader));
  const body = Buffer.from(JSON.stringify(payload));
  const message = Buffer.alloc(overhead + head.length + body.length);
  message.writeUInt32BE(message.length, 0);
  message.writeUInt32BE(head.length, 4);
  message.writeUInt32BE(crc32(message.subarray(0, 8)), 8);
  message.set(head, 12);
  message.set(body, 12 + head.length);
  message.writeUInt32BE(crc32(message.subarray(0, -4)), message.length - 4);
  return message;
}

/** Two lengths and two checksums. Bytes. */
const overhead = 16;
const textType = 7;

function encodeHeader([name, value]: readonly [string, string]): Buffer {
  const text = Buffer.from(value);
  return Buffer.concat([
    Buffer.of(name.length),
    Buffer.from(name),
    Buffer.of(textType, text.length >> 8, text.length & 0xff),
    text,
  ]);
}
