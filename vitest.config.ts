import { defineConfig } from "vitest/config";

const everything = ["test/**/*.test.ts"];
const checks = ["test/architecture.test.ts", "test/repository/**/*.test.ts"];
// These start other programs (a proxy, npm, clients in other languages) or watch real time, and would slow each other down.
const whole = [
  "test/{install,readme}.test.ts",
  "test/{clients,conformance,deploy,faults,operation,simulation}/**/*.test.ts",
];

export default defineConfig({
  test: {
    allowOnly: false,
    projects: [
      {
        extends: true,
        test: {
          name: "parts",
          include: everything,
          exclude: [...checks, ...whole],
          sequence: { groupOrder: 0 },
          maxWorkers: 2,
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: "checks",
          include: checks,
          sequence: { groupOrder: 1 },
          maxWorkers: 2,
          testTimeout: 180_000,
        },
      },
      {
        extends: true,
        test: {
          name: "whole",
          include: whole,
          sequence: { groupOrder: 2 },
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
