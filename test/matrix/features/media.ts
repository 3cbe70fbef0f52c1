import { type AskPart, pdf, pictureUrl, png, wav } from "../ask.ts";
import { type Feature, first, need } from "../feature.ts";

const picture: AskPart = { kind: "image", data: png };

const attached = (part: AskPart, list: "images" | "documents" | "sounds", data: string, field: RegExp): Feature => ({
  ask: () => ({ say: "What is this?", parts: [part] }),
  reached: (reached) =>
    need(
      reached[list].some((one) => one.includes(data)),
      `the ${part.kind}`,
    ),
  got: (seen) => need(first(seen)?.text.includes("You attached 1"), "an answer to the attachment"),
  field,
});

export const media = {
  images: attached(picture, "images", png, /image|messages\[\d+\]|input\[\d+\]/),
  "image by address": attached(
    { kind: "link", url: pictureUrl },
    "images",
    pictureUrl,
    /image|messages\[\d+\]|input\[\d+\]/,
  ),
  "order of parts": {
    ask: () => ({
      say: "Which is older?",
      parts: [{ kind: "text", text: "One:" }, picture, { kind: "text", text: "Two:" }, picture],
    }),
    reached: ({ order }) => need(order === "text image text image text", "the order"),
    got: (seen) => need(first(seen)?.text.includes("You attached 2"), "an answer to the attachments"),
    field: /image|messages\[\d+\]|input\[\d+\]/,
  },
  PDF: attached({ kind: "document", data: pdf }, "documents", pdf, /file|document|messages\[\d+\]|input\[\d+\]/),
  audio: attached({ kind: "audio", data: wav }, "sounds", wav, /audio|messages\[\d+\]|input\[\d+\]/),
} satisfies Readonly<Record<string, Feature>>;
