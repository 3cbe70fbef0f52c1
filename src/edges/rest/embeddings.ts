import { LossPolicy } from "../../../gen/trunkline/v1/chat_pb.ts";
import { readJsonBody } from "../../dialects/json-body.ts";
import { encodeEmbeddings } from "../../dialects/openai-embeddings/encode-embeddings.ts";
import { parseEmbeddingsRequest } from "../../dialects/openai-embeddings/parse-embeddings.ts";
import type { Caller } from "../../domain/context.ts";
import { LossReport } from "../../domain/loss.ts";
import type { Exchange } from "./exchange.ts";

/** `POST /v1/embeddings`. */
export async function handleEmbeddings(exchange: Exchange, caller: Caller): Promise<void> {
  const { gateway, context } = exchange;
  const report = new LossReport(exchange.lossPolicy() === LossPolicy.REFUSE);
  const { request, encodingFormat, unknown } = parseEmbeddingsRequest(readJsonBody(await exchange.readJson()));
  for (const name of unknown) report.drop(name, "The gateway does not know this member.");
  if (report.losses.length > 0) context.trail.note({ kind: "loss", losses: report.losses });
  exchange.answer(encodeEmbeddings(await gateway.embed(request, caller, context), encodingFormat));
}
