import type { Secret } from "../domain/secret.ts";
import type { Environment } from "./environment.ts";
import type { Problem } from "./problems.ts";
import { readSecret, SecretFault } from "./secrets.ts";

/** Collects what is wrong beyond the schema, so that all of it is told at once. */
export interface Findings {
  /** For variables that other tools read as well, such as `AWS_REGION`. */
  readonly env: Environment;
  readonly problems: readonly Problem[];
  /** Sentences about what is allowed but probably not meant. */
  readonly warnings: readonly string[];
  /** @returns null, so that a finished part can be replaced by it in the same breath */
  problem(path: readonly PropertyKey[], message: string): null;
  warn(sentence: string): void;
  /** The secret, or null after a problem was noted. */
  secret(path: readonly PropertyKey[], reference: string): Secret | null;
}

export function createFindings(env: Environment): Findings {
  const problems: Problem[] = [];
  const warnings: string[] = [];
  const problem: Findings["problem"] = (path, message) => {
    problems.push({ path, message });
    return null;
  };
  return {
    env,
    problems,
    warnings,
    problem,
    warn(sentence) {
      warnings.push(sentence);
    },
    secret(path, reference) {
      try {
        return readSecret(reference, env);
      } catch (error) {
        if (error instanceof SecretFault) return problem(path, error.message);
        throw error;
      }
    },
  };
}
