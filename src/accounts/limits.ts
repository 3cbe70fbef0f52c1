import type { Caller } from "../domain/context.ts";
import type { Target } from "../domain/target.ts";

/** The limits of a gateway without tenants: its one caller may ask every target and nothing is set aside. */
export const unlimited = {
  authorize(targets: readonly Target[], _caller: Caller): readonly Target[] {
    return targets;
  },
  async reserve(): Promise<{ settle(): Promise<void> }> {
    return nothingReserved;
  },
};

const nothingReserved = { async settle(): Promise<void> {} };
