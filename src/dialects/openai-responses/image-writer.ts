import type { Part } from "../../../gen/trunkline/v1/message_pb.ts";
import type { JsonMembers } from "../json-text.ts";
import { type ContentFrame, type ItemPlace, type ItemStatus, Writer } from "./item-writer.ts";

/** A picture that the model made itself: here pictures are what a tool makes. */
export class ImageWriter extends Writer {
  readonly #pieces: Uint8Array[] = [];
  #mediaType = "";

  constructor(place: ItemPlace, part: Part) {
    super(place);
    const media = part.kind.case === "image" ? part.kind.value.media : undefined;
    this.#mediaType = media?.mediaType ?? "";
    if (media?.source.case === "data") this.#pieces.push(media.source.value);
    this.open({ id: place.id, type: "image_generation_call", status: "in_progress", result: null });
  }

  write(frame: ContentFrame): void {
    if (frame.case === "mediaDelta") this.#pieces.push(frame.value);
    else if (frame.case === "partFinished" && frame.value.mediaType !== "") this.#mediaType = frame.value.mediaType;
  }

  protected finish(status: ItemStatus): JsonMembers {
    const format = /^image\/(\w+)/.exec(this.#mediaType)?.[1];
    const result = Buffer.concat(this.#pieces).toString("base64");
    const head = { id: this.id, type: "image_generation_call", status, result };
    return format === undefined ? head : { ...head, output_format: format };
  }
}
