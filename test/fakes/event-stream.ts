import { crc32 } from "node:zlib";

/**
 * A message of AWS's event stream, as its specification writes it.
 * @param headers texts by name
 * @param more further headers, encoded
 */
export function eventStreamMessage(
  headers: Readonly<Record<string, string>>,
  payload: string,
  more: Buffer = Buffer.alloc(0),
): Buffer {
  const head = Buffer.concat([...Object.entries(headers).map(([name, value]) => textHeader(name, value)), more]);
  const body = Buffer.from(payload);
  const length = head.length + body.length + 16;
  const message = Buffer.alloc(length);
  message.writeUInt32BE(length, 0);
  message.writeUInt32BE(head.length, 4);
  message.writeUInt32BE(crc32(message.subarray(0, 8)), 8);
  head.copy(message, 12);
  body.copy(message, 12 + head.length);
  message.writeUInt32BE(crc32(message.subarray(0, length - 4)), length - 4);
  return message;
}

function textHeader(name: string, value: string): Buffer {
  const text = Buffer.from(value);
  const size = Buffer.alloc(2);
  size.writeUInt16BE(text.length);
  return Buffer.concat([Buffer.of(name.length), Buffer.from(name), Buffer.of(7), size, text]);
}
