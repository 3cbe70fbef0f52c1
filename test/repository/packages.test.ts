import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { repository } from "../tooling/repository.ts";

/** The part of package-lock.json that is read here. */
interface Lock {
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

interface LockedPackage {
  readonly resolved?: string;
  readonly integrity?: string;
  readonly hasInstallScript?: boolean;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** Packages that would like to run a script at installation, and why none has to. */
const scripted: Readonly<Record<string, string>> = {
  "node_modules/@bufbuild/buf": "puts the platform's program in place of a small starter, which works as well",
  "node_modules/esbuild": "puts the platform's program in place of a small starter, which works as well",
  "node_modules/protobufjs": "warns about version ranges; comes with exporters of OpenTelemetry that are not loaded",
};

const lock: Lock = JSON.parse(readFileSync(join(repository, "package-lock.json"), "utf8"));
const locked = Object.entries(lock.packages).filter(([path]) => path !== "");

describe("the lock file", () => {
  it("pins the content of every package and ties none to a host", () => {
    expect(locked.length).toBeGreaterThan(50);
    const loose = locked.filter(([, one]) => !one.integrity?.startsWith("sha512-"));
    // Registries may lack the packages of other machines: complete-lock.ts writes those without a checksum.
    expect(loose.filter(([, one]) => !(one.optional && one.cpu)).map(([path]) => path)).toEqual([]);
    expect(loose.filter(([path]) => /linux-(x64|arm64)$/.test(path)).map(([path]) => path)).toEqual([]);
    expect(locked.filter(([, one]) => one.resolved !== undefined).map(([path]) => path)).toEqual([]);
  });

  it("has the optional packages of every machine, without which `npm ci` refuses it", () => {
    const wanted = locked.flatMap(([, one]) => Object.keys(one.optionalDependencies ?? {}));
    expect(wanted.filter((name) => !locked.some(([path]) => path.endsWith(`node_modules/${name}`)))).toEqual([]);
  });

  it("lets no package run a script at installation that is not known", () => {
    const found = locked.filter(([, one]) => one.hasInstallScript).map(([path]) => path);
    expect(found.sort()).toEqual(Object.keys(scripted).sort());
  });

  it("agrees with package.json", () => {
    const { dependencies, devDependencies, optionalDependencies } = JSON.parse(
      readFileSync(join(repository, "package.json"), "utf8"),
    );
    expect(lock.packages[""]).toMatchObject({ dependencies, devDependencies, optionalDependencies });
  });
});

describe("docs/dependencies.md", () => {
  it("has a row for each direct dependency, and for no other", () => {
    const { dependencies, devDependencies } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8"));
    const page = readFileSync(join(repository, "docs/dependencies.md"), "utf8");
    const rows = [...page.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name);
    expect(rows).toEqual([...Object.keys(dependencies), ...Object.keys(devDependencies)]);
  });
});
