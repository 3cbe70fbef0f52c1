import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "./repository.ts";

/** A shell block of README.md and the heading above it. */
export interface Block {
  readonly heading: string;
  readonly command: string;
}

/** Where README.md's gateway listens, and the model that it asks. */
export const readmeAddress = "127.0.0.1:8080";

/** README.md's shell blocks: the one that starts, the one that tests, and the calls to copy. */
export function readmeBlocks(): { readonly start: string; readonly test: string; readonly calls: readonly Block[] } {
  const page = readFileSync(join(repository, "README.md"), "utf8");
  let heading = "";
  const blocks = [...page.matchAll(/^#+ (.*)$|^```sh\n((?:(?!```).*\n)+)```$/gm)].flatMap(([, title, command]) => {
    heading = title ?? heading;
    return command === undefined ? [] : [{ heading, command }];
  });
  const [start, test, ...calls] = blocks;
  return { start: start?.command ?? "", test: test?.command ?? "", calls };
}
