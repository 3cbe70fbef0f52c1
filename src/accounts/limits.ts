import type { Caller, RequestContext } from "../domain/context.ts";
import type { Route } from "../domain/route.ts";
import type { Entrance } from "./admission.ts";

/**
 * The limits of a gateway without tenants: its one caller may ask every target, nothing is set aside, and what bounds
 * requests is how many run at once.
 */
export function createLimits(admission: Entrance) {
  return {
    authorize(route: Route, _caller: Caller): Route {
      return route;
    },
    async reserve(_work: unknown, { policy }: Route, _caller: Caller, context: RequestContext) {
      const leave = await admission.enter(policy, context);
      return {
        async settle(): Promise<void> {
          leave();
        },
      };
    },
  };
}
