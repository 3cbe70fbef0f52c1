import { create, type DescEnum, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";

/** Texts may hold half pairs, which no check would let pass. */
const unchecked = false;

/** What messages are made of. */
interface Maker {
  readonly random: () => number;
  /** Of messages in messages. */
  readonly depth: number;
  readonly textOf: () => string;
}

/** Sets one field of a message by chance; leaves it where messages are nested too deeply. */
export function setField(message: ReflectMessage, field: DescField, maker: Maker): void {
  const { random } = maker;
  const times = Math.floor(random() * 3);
  switch (field.fieldKind) {
    case "scalar":
      return message.set(field, scalar(field.scalar, maker));
    case "enum":
      return message.set(field, enumValue(field.enum, random));
    case "message":
      if (maker.depth > 0) message.set(field, nested(field.message, maker));
      return;
    case "list": {
      const list = message.get(field);
      for (let i = 0; i < times; i++) {
        if (field.listKind === "scalar") list.add(scalar(field.scalar, maker));
        else if (field.listKind === "enum") list.add(enumValue(field.enum, random));
        else if (maker.depth > 0) list.add(nested(field.message, maker));
      }
      return;
    }
    case "map":
      // The contract's maps are of texts by texts.
      for (let i = 0; i < times; i++) message.get(field).set(`key ${i}`, maker.textOf());
  }
}

function nested(desc: DescMessage, maker: Maker): ReflectMessage {
  const message = reflect(desc, create(desc), unchecked);
  // Those have bounds of their own in JSON.
  if (desc.typeName.startsWith("google.protobuf.")) return message;
  const inner = { ...maker, depth: maker.depth - 1 };
  for (const field of desc.fields) if (maker.random() < 0.5) setField(message, field, inner);
  return message;
}

function enumValue({ values }: DescEnum, random: () => number): number {
  return values[Math.floor(random() * values.length)]?.number ?? 0;
}

function scalar(type: ScalarType, { random, textOf }: Maker): unknown {
  const int = Math.floor(random() * 2 ** (1 + random() * 30));
  switch (type) {
    case ScalarType.STRING:
      return textOf();
    case ScalarType.BYTES:
      return Uint8Array.from({ length: int % 300 }, () => random() * 256);
    case ScalarType.BOOL:
      return random() < 0.5;
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return Math.fround(random() * int);
    case ScalarType.INT64:
    case ScalarType.UINT64:
      return BigInt(int) * 4_096n;
    default:
      return int;
  }
}
