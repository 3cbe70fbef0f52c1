import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The repository's top folder. */
export const repository: string = join(import.meta.dirname, "../..");

/** Where downloaded and built tools of the tests are kept between runs; ignored by git. */
export const toolCache: string = join(repository, ".cache");

/** Paths of the repository's own files, from its top: what git knows or would know; deleted ones are left out. */
export function repositoryFiles(): readonly string[] {
  const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: repository,
    encoding: "utf8",
  });
  return listed.split("\0").filter((path) => path !== "" && existsSync(join(repository, path)));
}

/** A new empty folder that disappears when its scope ends: `using folder = temporaryFolder()`. */
export function temporaryFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "trunkline-test-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
