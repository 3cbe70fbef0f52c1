import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { renderPages } from "../../docs/generate.ts";
import { repository, repositoryFiles } from "../tooling/repository.ts";

it.each(Object.entries(renderPages()))("docs/%s is what `npm run docs` makes of the source today", (name, text) => {
  expect(readFileSync(join(repository, "docs", name), "utf8")).toBe(text);
});

it("links in pages lead to files and headings that exist", () => {
  const pages = repositoryFiles().filter((path) => path.endsWith(".md") && !path.startsWith("third_party/"));
  expect(pages.flatMap(brokenLinks)).toEqual([]);
});

function brokenLinks(page: string): readonly string[] {
  const links = [...read(page).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(([, link = ""]) => link);
  const broken = links.filter((link) => {
    const [path = "", anchor] = link.split("#");
    const target = path === "" ? page : join(dirname(page), path);
    if (!existsSync(join(repository, target))) return true;
    return anchor !== undefined && !anchorsOf(read(target)).has(anchor);
  });
  return broken.map((link) => `${page}: ${link}`);
}

/** Anchors of headings, as code hosts make them. */
function anchorsOf(page: string): ReadonlySet<string> {
  const headings = [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w\- ]/g, "")
        .replaceAll(" ", "-"),
    ),
  );
}

function read(path: string): string {
  return readFileSync(join(repository, path), "utf8");
}
