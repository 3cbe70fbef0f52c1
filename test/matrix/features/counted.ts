import { need } from "../feature.ts";
import type { Seen } from "../seen.ts";

/** Whether the caller was told how many tokens went in and came out. */
export const counted = ({ usage }: Seen): string | null =>
  need((usage?.input ?? 0) > 0 && (usage?.output ?? 0) > 0, "usage");
