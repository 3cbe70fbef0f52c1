import {
  create,
  type DescMessage,
  fromBinary,
  fromJsonString,
  isMessage,
  type JsonReadOptions,
  type JsonWriteOptions,
  type Message,
  type MessageInitShape,
  toBinary,
  toJsonString,
} from "@bufbuild/protobuf";
import type { Output } from "./output.ts";

/** Writes messages of one type. For those that go out by the thousand; the library writes all others. */
export interface MessageWriter {
  json(message: Message, output: Output): void;
  binary(message: Message, output: Output): void;
}

/** How a method's messages are read and written, in one encoding. */
export interface Codec {
  /** Null for bytes that are no message. */
  parse(bytes: Uint8Array): Message | null;
  /** @param message a message, or what the library makes one of */
  write(message: Message | MessageInitShape<DescMessage>, output: Output): void;
}

export interface CodecOptions {
  readonly jsonOptions: Partial<JsonReadOptions & JsonWriteOptions> | undefined;
  /** By the name of the message's type. */
  readonly writers: ReadonlyMap<string, MessageWriter>;
}

export function createCodec(
  { input, output: type }: { readonly input: DescMessage; readonly output: DescMessage },
  binary: boolean,
  { jsonOptions, writers }: CodecOptions,
): Codec {
  const options = { ignoreUnknownFields: true, ...jsonOptions };
  const writer = writers.get(type.typeName);
  const byLibrary = (message: Message) =>
    binary ? toBinary(type, message) : Buffer.from(toJsonString(type, message, options));
  const write = writer && (binary ? writer.binary : writer.json).bind(writer);
  return {
    parse(bytes) {
      try {
        return binary ? fromBinary(input, bytes) : fromJsonString(input, decode(bytes), options);
      } catch {
        return null;
      }
    },
    write(given, output) {
      const message = isMessage(given, type) ? given : create(type, given);
      if (write) write(message, output);
      else output.append(byLibrary(message));
    },
  };
}

/** As the library reads text: what is no UTF-8 becomes a mark, and a byte order mark goes. */
const utf8 = new TextDecoder();

function decode(bytes: Uint8Array): string {
  return utf8.decode(bytes);
}
