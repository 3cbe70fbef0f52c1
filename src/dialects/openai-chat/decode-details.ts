import { create } from "@bufbuild/protobuf";
import { type Part, PartSchema } from "../../../gen/trunkline/v1/message_pb.ts";
import { PartFinishedSchema } from "../../../gen/trunkline/v1/stream_pb.ts";
import type { Frame } from "../../domain/chat.ts";
import { issuerOf, toProof } from "./proofs.ts";
import { type Fields, textOf } from "./wire.ts";

/** One entry of `reasoning_details` while its pieces come in. */
interface Detail {
  readonly key: string;
  readonly part: number;
  issuer: string;
  signature: string;
  data: string;
}

/** More parts than any model thinks in. */
const maxDetails = 1_000;

/**
 * OpenRouter's `reasoning_details` of one choice: texts, summaries and encrypted data, each with the proof that it needs
 * on its way back. In a stream an entry comes in pieces that share `index` and type.
 */
export class DetailsDecoder {
  readonly #choice: number;
  /** Gives the next free part number of the choice. */
  readonly #newPart: () => number;
  readonly #details: Detail[] = [];

  constructor(choice: number, newPart: () => number) {
    this.#choice = choice;
    this.#newPart = newPart;
  }

  push(pieces: readonly Fields[]): Frame[] {
    return pieces.flatMap((piece) => this.#piece(piece));
  }

  /** Closes the entries, each with its proof. */
  finish(): Frame[] {
    return this.#details.map(({ part, issuer, signature, data }): Frame => {
      const format = data === "" ? "signature" : issuer.startsWith("anthropic") ? "redacted" : "encrypted";
      const proof = signature + data === "" ? {} : { proof: toProof(issuer, format, data || signature) };
      return { case: "partFinished", value: create(PartFinishedSchema, proof), choice: this.#choice, part };
    });
  }

  #piece(piece: Fields): Frame[] {
    const type = textOf(piece, "type");
    // Newer kinds of entries mean nothing here yet.
    if (!known.has(type)) return [];
    const key = `${type} ${typeof piece.index === "number" ? piece.index : textOf(piece, "id")}`;
    const frames: Frame[] = [];
    let detail = this.#details.find((one) => one.key === key);
    if (!detail) {
      if (this.#details.length >= maxDetails) return [];
      detail = { key, part: this.#newPart(), issuer: "openrouter", signature: "", data: "" };
      this.#details.push(detail);
      frames.push(this.#started(detail.part, type, piece));
    }
    const format = textOf(piece, "format");
    if (format !== "" && format !== "unknown") detail.issuer = issuerOf(format);
    detail.signature = textOf(piece, "signature") || detail.signature;
    detail.data += textOf(piece, "data");
    // A summary grows by pieces as a text does, and the contract has no pieces of summaries.
    const value = (textOf(piece, "text") || textOf(piece, "summary")).toWellFormed();
    if (value !== "") frames.push({ case: "reasoningDelta", value, choice: this.#choice, part: detail.part });
    return frames;
  }

  #started(part: number, type: string, piece: Fields): Frame {
    const kind = { case: "reasoning", value: { redacted: type === "reasoning.encrypted" } } as const;
    const value: Part = create(PartSchema, { id: textOf(piece, "id"), kind });
    return {
      case: "partStarted",
      value: { $typeName: "trunkline.v1.PartStarted", part: value },
      choice: this.#choice,
      part,
    };
  }
}

const known: ReadonlySet<string> = new Set(["reasoning.text", "reasoning.summary", "reasoning.encrypted"]);
