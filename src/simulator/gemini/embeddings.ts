import type { Reply } from "../exchange.ts";
import { type Fields, isFields } from "../json.ts";
import { tokenize } from "../tokens.ts";
import { vectorOf } from "../vector.ts";
import { invalid, unknownMember } from "./errors.ts";

const usualDimensions = 3_072;
const maxBatch = 100;
const members = ["model", "content", "taskType", "title", "outputDimensionality"];
const taskTypes = (
  "RETRIEVAL_QUERY RETRIEVAL_DOCUMENT SEMANTIC_SIMILARITY CLASSIFICATION CLUSTERING QUESTION_ANSWERING " +
  "FACT_VERIFICATION CODE_RETRIEVAL_QUERY"
).split(" ");

/** Answers `batchEmbedContents`: texts that share words get vectors that lie close. */
export function answerBatch(body: Fields, model: string): Reply {
  const unknown = Object.keys(body).find((name) => name !== "requests");
  if (unknown !== undefined) throw unknownMember(unknown, "");
  const { requests } = body;
  if (!Array.isArray(requests) || requests.length === 0) {
    throw invalid("* BatchEmbedContentsRequest.requests: requests must not be empty\n", "requests");
  }
  if (requests.length > maxBatch) {
    throw invalid(
      `* BatchEmbedContentsRequest.requests: at most ${maxBatch} requests can be in one batch\n`,
      "requests",
    );
  }
  const read = requests.map((request: unknown, i) => embed(request, model, `requests[${i}]`));
  return embedded({ embeddings: read.map(({ embedding }) => embedding) }, read);
}

/** Answers `embedContent`. */
export function answerSingle(body: Fields, model: string): Reply {
  const read = embed(body, model, "");
  return embedded({ embedding: read.embedding }, [read]);
}

function embedded(body: object, read: readonly { readonly tokens: number }[]): Reply {
  const tokens = read.reduce((sum, one) => sum + one.tokens, 0);
  const usageMetadata = { promptTokenCount: tokens, totalTokenCount: tokens };
  return { status: 200, headers: {}, body: { ...body, usageMetadata } };
}

function embed(request: unknown, model: string, at: string) {
  if (!isFields(request)) throw invalid(`Invalid value at '${at}'`, at);
  const unknown = Object.keys(request).find((name) => !members.includes(name));
  if (unknown !== undefined) throw unknownMember(unknown, at);
  if (request.model !== undefined && request.model !== `models/${model}`) {
    throw invalid("The model of each request must be that of the batch.", `${at}.model`);
  }
  const { taskType, outputDimensionality: dimensions = usualDimensions } = request;
  if (taskType !== undefined && !taskTypes.includes(String(taskType))) {
    throw invalid(`Invalid value at '${at}.task_type': "${String(taskType)}"`, `${at}.task_type`);
  }
  if (!Number.isInteger(dimensions) || Number(dimensions) < 1 || Number(dimensions) > usualDimensions) {
    throw invalid(`output_dimensionality must be from 1 to ${usualDimensions}.`, `${at}.output_dimensionality`);
  }
  const tokens = tokenize(textOf(request.content, at));
  if (tokens.length === 0) throw invalid(`* EmbedContentRequest.content: content is empty\n`, `${at}.content`);
  const vector = vectorOf(tokens, Number(dimensions));
  // Only vectors of full length are normalised.
  const scale = dimensions === usualDimensions ? 1 : 0.5;
  return { embedding: { values: [...vector].map((value) => value * scale) }, tokens: tokens.length };
}

function textOf(content: unknown, at: string): string {
  const parts = isFields(content) ? content.parts : undefined;
  if (!Array.isArray(parts)) throw invalid("* EmbedContentRequest.content: content is missing\n", `${at}.content`);
  return parts.map((part: unknown) => (isFields(part) && typeof part.text === "string" ? part.text : "")).join("\n");
}
