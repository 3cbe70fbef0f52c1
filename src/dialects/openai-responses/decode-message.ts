import { create } from "@bufbuild/protobuf";
import { type Annotation, AnnotationSchema } from "../../../gen/trunkline/v1/message_pb.ts";
import { type TokenLogprob, TokenLogprobSchema } from "../../../gen/trunkline/v1/usage_pb.ts";
import { toProof } from "../openai-chat/proofs.ts";
import { type Fields, fieldsOf, isFields, listOf, textOf } from "../openai-chat/wire.ts";
import { type OpenItem, type PartWriter, rest } from "./decode-parts.ts";
import { entriesOf, indexOf, proofFormats } from "./wire.ts";

/** What is known of one entry of a message's content. */
interface Content {
  readonly refusal: boolean;
  readonly part: number;
  /** UTF-16 units told. */
  told: number;
  annotations: number;
}

/** A message item: each entry of its content is a part of its own, which keeps the item's id. */
export class MessageItem implements OpenItem {
  /** Whether the model declined. */
  refused = false;
  readonly #writer: PartWriter;
  readonly #issuer: string;
  readonly #id: string;
  readonly #contents = new Map<number, Content>();
  /** Entries of kinds that are newer than this decoder, told once they are whole. */
  readonly #shown = new Set<number>();
  #phase = "";

  constructor(item: Fields, writer: PartWriter, issuer: string) {
    this.#writer = writer;
    this.#issuer = issuer;
    this.#id = textOf(item, "id");
    this.#phase = textOf(item, "phase");
  }

  event(type: string, fields: Fields): void {
    const at = indexOf(fields, "content_index") ?? 0;
    switch (type) {
      case "response.output_text.delta":
        return this.#tell(at, false, textOf(fields, "delta"), readLogprobs(fields));
      case "response.output_text.done":
        return this.#tellRest(at, false, textOf(fields, "text"), readLogprobs(fields));
      case "response.refusal.delta":
        return this.#tell(at, true, textOf(fields, "delta"));
      case "response.refusal.done":
        return this.#tellRest(at, true, textOf(fields, "refusal"));
      case "response.output_text.annotation.added":
        return this.#annotate(at, fieldsOf(fields, "annotation"));
      case "response.content_part.done":
        return this.#whole(at, fieldsOf(fields, "part"));
    }
  }

  done(item: Fields): void {
    this.#phase = textOf(item, "phase") || this.#phase;
    for (const [at, content] of entriesOf(item, "content")) this.#whole(at, content);
    this.close();
  }

  close(): void {
    const proof = this.#phase === "" ? undefined : toProof(this.#issuer, proofFormats.phase, this.#phase);
    if (proof && this.#id !== "") proof.id = this.#id;
    for (const { part } of this.#contents.values()) this.#writer.close(part, proof ? { proof } : {});
    this.#contents.clear();
  }

  #whole(at: number, content: Fields): void {
    const type = textOf(content, "type");
    if (type === "refusal") return this.#tellRest(at, true, textOf(content, "refusal"));
    if (type !== "output_text") return this.#show(at, content);
    this.#tellRest(at, false, textOf(content, "text"), readLogprobs(content));
    const told = this.#contents.get(at)?.annotations ?? 0;
    for (const annotation of listOf(content, "annotations").slice(told)) this.#annotate(at, annotation);
  }

  #tell(at: number, refusal: boolean, text: string, logprobs: readonly TokenLogprob[] = []): void {
    if (text === "") return;
    const content = this.#content(at, refusal);
    content.told += this.#writer.delta(content.refusal ? "refusalDelta" : "textDelta", content.part, text, logprobs);
  }

  #tellRest(at: number, refusal: boolean, whole: string, logprobs: readonly TokenLogprob[] = []): void {
    const told = this.#contents.get(at)?.told ?? 0;
    // Token by token only what was not told at all can be told apart.
    this.#tell(at, refusal, rest(whole, told), told === 0 ? logprobs : []);
  }

  #annotate(at: number, annotation: Fields): void {
    if (textOf(annotation, "type") === "") return;
    const content = this.#content(at, false);
    content.annotations++;
    this.#writer.push({ case: "annotation", value: readAnnotation(annotation), choice: 0, part: content.part });
  }

  #content(at: number, refusal: boolean): Content {
    let content = this.#contents.get(at);
    if (content === undefined) {
      const id = this.#id === "" ? {} : { id: this.#id };
      const kind = refusal
        ? ({ case: "refusal", value: { $typeName: "trunkline.v1.RefusalPart", text: "" } } as const)
        : ({ case: "text", value: "" } as const);
      content = { refusal, part: this.#writer.open(kind, id), told: 0, annotations: 0 };
      this.#contents.set(at, content);
      this.refused ||= refusal;
    }
    return content;
  }

  /** Content of an unknown kind goes back as the message that held it. */
  #show(at: number, content: Fields): void {
    const type = textOf(content, "type");
    if (type === "" || this.#shown.has(at)) return;
    this.#shown.add(at);
    const json = JSON.stringify({ type: "message", role: "assistant", content: [content] });
    const value = { $typeName: "trunkline.v1.OpaquePart", provider: kindOf(this.#issuer), type } as const;
    const part = this.#writer.open({ case: "opaque", value: { ...value, content: { case: "json", value: json } } });
    this.#writer.close(part);
  }
}

function kindOf(issuer: string): string {
  return issuer.slice(0, issuer.indexOf("/"));
}

export function readAnnotation(annotation: Fields): Annotation {
  const [start, end] = [indexOf(annotation, "start_index"), indexOf(annotation, "end_index")];
  const index = indexOf(annotation, "index");
  const container = textOf(annotation, "container_id");
  return create(AnnotationSchema, {
    type: textOf(annotation, "type"),
    uri: textOf(annotation, "url"),
    title: textOf(annotation, "title") || textOf(annotation, "filename"),
    fileId: textOf(annotation, "file_id"),
    ...(start !== undefined && { start }),
    ...(end !== undefined && { end }),
    ...(index !== undefined && { documentIndex: index }),
    // Files of a container are found by both ids.
    ...(container !== "" && { opaque: new TextEncoder().encode(container) }),
  });
}

function readLogprobs({ logprobs }: Fields): readonly TokenLogprob[] {
  if (!Array.isArray(logprobs)) return [];
  return logprobs.filter(isFields).map((entry) =>
    create(TokenLogprobSchema, {
      ...readLogprob(entry),
      kind: "content",
      top: listOf(entry, "top_logprobs").map((top) => create(TokenLogprobSchema, readLogprob(top))),
    }),
  );
}

function readLogprob(entry: Fields) {
  const { logprob, bytes } = entry;
  return {
    token: textOf(entry, "token"),
    logprob: typeof logprob === "number" ? logprob : 0,
    raw: Array.isArray(bytes) ? Uint8Array.from(bytes) : new Uint8Array(0),
  };
}
