/** What the plugin means, by other means: conditions over decoded messages. For its tests. */
import { type Fields, list, prune, pruneWith } from "../testing.ts";

export const KINDS: readonly string[] = ["unspecified", "internal", "server"];
export const STATUSES: readonly string[] = ["unset", "ok", "error"];
const SEVERITIES = ["TRACE", "DEBUG", "INFO"];

const textOf = (any: unknown): string | undefined => {
  const [found] = Object.values((any ?? {}) as object);
  return found === undefined || typeof found === "object" ? undefined : String(found);
};
const valueAt = (owner: unknown, key: string): string | undefined =>
  textOf(list((owner ?? {}) as Fields, "attributes").find((each) => (each.key ?? "") === key)?.value);

/** The reference: what a condition means. */
function holds(wanted: Fields, item: Fields, scope: Fields, owner: Fields): boolean {
  const matches = (want: unknown, text: string | undefined): boolean =>
    want === undefined ||
    (text !== undefined && (wanted.match_type === "strict" ? text === want : new RegExp(String(want)).test(text)));
  const has = (criteria: unknown, of: unknown): boolean =>
    ((criteria ?? []) as { key: string; value?: string }[]).every(
      ({ key, value: want }) => valueAt(of, key) !== undefined && matches(want, valueAt(of, key)),
    );
  const severity = Number(item.severityNumber ?? 0);
  const { severity_min: low, severity_max: high, severity_undefined: undefinedToo } = wanted;
  const bounded = low !== undefined || high !== undefined;
  const inside =
    bounded &&
    severity >= SEVERITIES.indexOf(String(low ?? "TRACE")) * 4 + 1 &&
    severity <= (high === undefined ? 24 : SEVERITIES.indexOf(String(high)) * 4 + 4);
  const ofSeverity = (!bounded && undefinedToo !== true) || (severity === 0 ? undefinedToo === true : inside);
  return (
    matches(wanted.service, valueAt(owner.resource, "service.name")) &&
    matches(wanted.scope, String((scope.scope as Fields | undefined)?.name ?? "")) &&
    has(wanted.resource_attributes, owner.resource) &&
    matches(wanted.name, String(item.name ?? "")) &&
    matches(wanted.body, textOf(item.body)) &&
    has(wanted.attributes, item) &&
    (wanted.kind === undefined || KINDS[Number(item.kind ?? 0)] === wanted.kind) &&
    (wanted.status === undefined ||
      STATUSES[Number((item.status as Fields | undefined)?.code ?? 0)] === wanted.status) &&
    ofSeverity &&
    (wanted.unless === undefined || !holds(wanted.unless as Fields, item, scope, owner))
  );
}

/** The batch without what any of the conditions holds for, and without what is empty then. */
export function expected(names: readonly [string, string, string], conditions: Fields[], from: Fields): Fields {
  const [outer, inner, item] = names;
  return pruneWith(from, outer, inner, (owner) =>
    pruneWith(owner, inner, item, (scope) =>
      prune(scope, item, (each) => !conditions.some((wanted) => holds(wanted, each, scope, owner))),
    ),
  );
}
