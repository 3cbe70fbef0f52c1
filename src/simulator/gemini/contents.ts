import { createHash } from "node:crypto";
import { type Fields, isFields } from "../json.ts";
import { invalid, unknownMember } from "./errors.ts";

/** What a conversation amounts to for the next answer. */
export interface Conversation {
  readonly text: string;
  readonly attachments: number;
  readonly toolResults: readonly string[];
  readonly texts: readonly string[];
}

/** The signature of a call: nobody else can make one, so that a changed one is found. */
export function signatureOf(name: string, args: unknown): string {
  return createHash("sha256").update("simulated").update(name).update(JSON.stringify(args)).digest("base64");
}

/** Accepted in place of a signature. */
const skipped: ReadonlySet<unknown> = new Set([
  "skip_thought_signature_validator",
  "context_engineering_is_the_way_to_go",
]);

interface Content {
  readonly spoken: string[];
  readonly texts: string[];
  readonly calls: { readonly name: string; readonly id: unknown }[];
  readonly results: { readonly name: string; readonly id: unknown; readonly text: string }[];
  attachments: number;
}

/** @param needsSignatures whether the first call of a step must carry one. @throws GoogleError naming what is wrong */
export function readContents(contents: unknown, needsSignatures: boolean): Conversation {
  if (!Array.isArray(contents) || contents.length === 0) {
    throw invalid("* GenerateContentRequest.contents: contents is not specified\n", "contents");
  }
  const last = { text: "", attachments: 0, toolResults: [] as string[] };
  const texts: string[] = [];
  let open: Content["calls"] = [];
  let before: unknown;
  for (const [i, content] of contents.entries()) {
    const at = `contents[${i}]`;
    if (!isFields(content)) throw invalid(`Invalid value at '${at}' (Content)`, at);
    const { role = "user" } = content;
    if (role !== "user" && role !== "model") throw invalid("Please use a valid role: user, model.", `${at}.role`);
    const read = readContent(content, role, needsSignatures, at);
    if (read.calls.length > 0 && i === 0) {
      throw invalid(
        "Please ensure that function call turn comes immediately after a user turn or after a function response turn.",
      );
    }
    // Pieces of one answer, as SDKs keep them of a stream, are one turn.
    const goesOn = role === "model" && before === "model";
    if (!goesOn) checkResults(open, read.results);
    open = goesOn ? [...open, ...read.calls] : read.calls;
    before = role;
    texts.push(...read.texts);
    if (role !== "user") continue;
    last.toolResults = read.results.map(({ text }) => text);
    if (read.spoken.length > 0 || read.results.length === 0) {
      Object.assign(last, { text: read.spoken.join("\n"), attachments: read.attachments });
    }
  }
  if (open.length > 0) throw invalid(unbalanced);
  return { ...last, texts };
}

const unbalanced =
  "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.";

function checkResults(open: Content["calls"], results: Content["results"]): void {
  if (results.length !== open.length) throw invalid(unbalanced);
  for (const [i, { name, id }] of results.entries()) {
    const call = id === undefined ? open[i] : open.find((one) => one.id === id);
    if (call?.name !== name) throw invalid(`Function response ${name} answers no function call of the turn before.`);
  }
}

const contentMembers = ["role", "parts"];
const data =
  "text inlineData fileData functionCall functionResponse executableCode codeExecutionResult toolCall toolResponse".split(
    " ",
  );
const beside =
  "thought thoughtSignature videoMetadata mediaResolution partMetadata mediaProcessing speechMetadata".split(" ");

function readContent(content: Fields, role: string, needsSignatures: boolean, at: string): Content {
  const unknown = Object.keys(content).find((name) => !contentMembers.includes(name));
  if (unknown !== undefined) throw unknownMember(unknown, at);
  const read: Content = { spoken: [], texts: [], calls: [], results: [], attachments: 0 };
  const { parts } = content;
  if (!Array.isArray(parts) || parts.length === 0) {
    throw invalid(`* GenerateContentRequest.${at}.parts: contents.parts must not be empty.\n`, `${at}.parts`);
  }
  for (const [i, part] of parts.entries()) readPart(part, role, needsSignatures, `${at}.parts[${i}]`, read);
  return read;
}

function readPart(part: unknown, role: string, needsSignatures: boolean, at: string, read: Content): void {
  if (!isFields(part)) throw invalid(`Invalid value at '${at}' (Part)`, at);
  const unknown = Object.keys(part).find((name) => !data.includes(name) && !beside.includes(name));
  if (unknown !== undefined) throw unknownMember(unknown, at);
  const held = data.filter((name) => name in part);
  if (held.length !== 1) {
    throw invalid(
      `* GenerateContentRequest.${at}.data: required oneof field 'data' must have one initialized field\n`,
      at,
    );
  }
  if (typeof part.text === "string") {
    read.texts.push(part.text);
    if (part.thought !== true) read.spoken.push(part.text);
  } else if (isFields(part.inlineData) || isFields(part.fileData)) readMedia(part, at, read);
  else if (isFields(part.functionCall)) readCall(part, part.functionCall, { role, needsSignatures, at }, read);
  else if (isFields(part.functionResponse)) readResponse(part.functionResponse, role, at, read);
  else if (role !== "model") throw invalid(`Invalid value at '${at}': only models run tools.`, at);
}

function readMedia({ inlineData, fileData }: Fields, at: string, read: Content): void {
  if (isFields(inlineData) && (typeof inlineData.mimeType !== "string" || typeof inlineData.data !== "string")) {
    throw invalid(`Unable to process input at '${at}.inline_data': mime type and data are needed.`, at);
  }
  if (isFields(fileData) && typeof fileData.fileUri !== "string") {
    throw invalid(`* GenerateContentRequest.${at}.file_data.file_uri: [REQUIRED_FIELD_MISSING]\n`, at);
  }
  read.attachments++;
}

interface CallPlace {
  readonly role: string;
  readonly needsSignatures: boolean;
  readonly at: string;
}

function readCall(part: Fields, call: Fields, { role, needsSignatures, at }: CallPlace, read: Content): void {
  const { name, args, id } = call;
  if (typeof name !== "string" || name === "") throw invalid(`* ${at}.function_call.name: Name cannot be empty.\n`, at);
  if (role !== "model") throw invalid(`Invalid value at '${at}': function calls are the model's.`, at);
  if (args !== undefined && !isFields(args)) throw invalid(`Invalid value at '${at}.function_call.args' (Struct)`, at);
  const signature = part.thoughtSignature;
  if (needsSignatures && read.calls.length === 0 && signature === undefined) {
    throw invalid(
      "Function call is missing a thought_signature in functionCall parts. This is required for tools to work " +
        `correctly, and missing thought_signature may lead to degraded model performance. Function call \`${name}\`, ` +
        `position ${at}.`,
    );
  }
  if (signature !== undefined && !skipped.has(signature) && signature !== signatureOf(name, args ?? {})) {
    throw invalid("Thought signature is not valid");
  }
  read.calls.push({ name, id });
  read.texts.push(JSON.stringify(args ?? {}));
}

function readResponse({ name, id, response }: Fields, role: string, at: string, read: Content): void {
  if (typeof name !== "string" || name === "") {
    throw invalid(`* GenerateContentRequest.${at}.function_response.name: Name cannot be empty.\n`, at);
  }
  if (role !== "user") throw invalid(`Invalid value at '${at}': function responses are the user's.`, at);
  if (!isFields(response)) throw invalid(`Invalid value at '${at}.function_response.response' (Struct)`, at);
  const values = Object.values(response);
  const text = values.length === 1 && typeof values[0] === "string" ? values[0] : JSON.stringify(response);
  read.results.push({ name, id, text });
  read.texts.push(text);
}
