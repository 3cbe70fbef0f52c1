import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { expect, it } from "vitest";
import { repository, repositoryFiles } from "../tooling/repository.ts";
import { edges } from "./edges.ts";
import { adapterKinds } from "./recordings.ts";

const files = repositoryFiles();

/** Folders of src/ whose files of this name export a function that is called so. */
function foldersWith(file: RegExp, exported: RegExp): readonly string[] {
  const found = files.filter((path) => file.test(path) && exported.test(readFileSync(join(repository, path), "utf8")));
  return [...new Set(found.map((path) => basename(dirname(path))))].sort();
}

it("every folder with an adapter is a kind that is fuzzed", () => {
  const folders = foldersWith(/^src\/providers\/[^/]+\/adapter[.]ts$/, /: Provider\b|createChatProvider/);
  expect(folders.filter((folder) => !adapterKinds.includes(folder))).toEqual([]);
});

it("every dialect whose requests are read, and whose answers are written, is an edge that is fuzzed", () => {
  const names = edges.map(({ dialect }) => dialect as string);
  const readers = foldersWith(/^src\/dialects\/[^/]+\/parse-[^/]*[.]ts$/, /export function parse\w+Request\b/);
  const writers = foldersWith(
    /^src\/dialects\/[^/]+\/[^/]*[.]ts$/,
    /^export function .*\): (Stream|Responses)Encoder/m,
  );
  // What others.test.ts has, because it is no chat, and the legacy API, whose requests no provider gets: its own test has it.
  const elsewhere = ["openai-embeddings", "openai-completions"];
  const wanted = (folder: string) => !elsewhere.includes(folder);
  expect([...readers, ...writers].filter((folder) => wanted(folder) && !names.includes(folder))).toEqual([]);
  expect(writers.filter(wanted).length).toBe(edges.length);
});
