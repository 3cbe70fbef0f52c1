/** What vectors are for: the contract's words and Google's. */
const tasks: ReadonlyMap<string, string> = new Map([
  ["search_document", "RETRIEVAL_DOCUMENT"],
  ["search_query", "RETRIEVAL_QUERY"],
  ["classification", "CLASSIFICATION"],
  ["clustering", "CLUSTERING"],
  ["semantic_similarity", "SEMANTIC_SIMILARITY"],
  ["question_answering", "QUESTION_ANSWERING"],
  ["fact_verification", "FACT_VERIFICATION"],
  ["code_retrieval_query", "CODE_RETRIEVAL_QUERY"],
]);

/** The contract's words that Google has one for. */
export const knownTasks: readonly string[] = [...tasks.keys()];

/** @returns undefined for a word that Google does not know; its own are good as they are */
export function toTaskType(inputType: string): string | undefined {
  return /^[A-Z_]+$/.test(inputType) ? inputType : tasks.get(inputType);
}

/** The contract's word for a task; Google's own where the contract has none. */
export function fromTaskType(taskType: string): string {
  return [...tasks].find(([, word]) => word === taskType)?.[0] ?? taskType;
}
