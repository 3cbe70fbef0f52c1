import { readFileSync, writeFileSync } from "node:fs";

/**
 * Completes package-lock.json after `npm install`. npm leaves out optional packages that a registry lacks, or that are
 * for other machines, and `npm ci` then refuses the file. They are added without a checksum: nobody here could make one.
 */
interface LockedPackage {
  readonly version?: string;
  readonly dev?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

interface Lock {
  packages: Record<string, LockedPackage>;
}

const path = new URL("package-lock.json", import.meta.url);
// The file is npm's own: its form is documented, and a wrong one ends here.
const lock = JSON.parse(readFileSync(path, "utf8")) as Lock;
const added = missing(lock.packages);
const entries = Object.entries({ ...lock.packages, ...added });
lock.packages = Object.fromEntries(entries.sort(([one], [other]) => (one < other ? -1 : 1)));
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`Added ${Object.keys(added).length} optional packages for other machines.`);

function missing(packages: Lock["packages"]): Lock["packages"] {
  const found: Lock["packages"] = {};
  for (const { dev, optionalDependencies = {} } of Object.values(packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      const place = `node_modules/${name}`;
      if (packages[place] || !/^\d+\.\d+\.\d+/.test(version)) continue;
      found[place] = { version, ...(dev ? { dev } : {}), optional: true, ...machineOf(name) } as LockedPackage;
    }
  }
  return found;
}

/** The machines that a package such as `@biomejs/cli-linux-arm64-musl` is for, as npm writes them. */
function machineOf(name: string): object {
  const words = name.split(/[-/]/);
  const os = words.find((word) =>
    /^(aix|android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|win32)$/.test(word),
  );
  const cpu = words.find((word) => /^(arm|arm64|ia32|loong64|mips64el|ppc64|riscv64|s390x|wasm32|x64)$/.test(word));
  const libc = words.some((word) => /^musl/.test(word)) ? "musl" : undefined;
  return {
    ...(cpu === undefined ? {} : { cpu: [cpu] }),
    ...(os === undefined ? {} : { os: [os] }),
    ...(libc === undefined ? {} : { libc: [libc] }),
  };
}
