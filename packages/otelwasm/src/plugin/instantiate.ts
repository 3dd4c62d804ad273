import { ComponentGuest } from "./component-guest.ts";
import { Guest, type GuestPlan } from "./guest.ts";

/** An instance of a module or of a component: both are driven in one way. */
export type PluginGuest = Pick<Guest, keyof Guest>;

/** @throws PluginError */
export function instantiateGuest(plan: GuestPlan): Promise<PluginGuest> {
  const { component, module } = plan.code;
  return component === undefined ? Guest.instantiate(plan, module) : ComponentGuest.instantiate(plan, component);
}
