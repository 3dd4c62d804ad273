/** What is there and may still change: off unless a component's configuration turns it on, under `runtime_config::features`. */
const FEATURES = ["component_model"] as const;

/** `component_model`: the plugin may be a component. */
export type FeatureFlags = Readonly<Partial<Record<(typeof FEATURES)[number], boolean>>>;

/** One message for each thing that is wrong, each starting with its path below `runtime_config`. */
export function featureIssues(flags: unknown): string[] {
  if (flags === undefined || flags === null) return [];
  if (typeof flags !== "object" || Array.isArray(flags))
    return ["features: must be a mapping of features to true or false"];
  return Object.entries(flags).flatMap(([name, value]) => {
    if (!FEATURES.some((known) => known === name))
      return [`features::${name}: unknown feature; known features: ${FEATURES.join(", ")}`];
    return typeof value === "boolean" ? [] : [`features::${name}: must be true or false`];
  });
}
