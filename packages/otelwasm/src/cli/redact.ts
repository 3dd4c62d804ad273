/** What stands in place of a secret: the Collector's word. */
export const REDACTED = "[REDACTED]";

const SECRET_KEY = /(?:password|passwd|secret|token|api_?key|private_?key|credential|authorization|key_pem)/i;
/** Only a reference: the secret itself is elsewhere. */
const REFERENCES = /^(?:\$\{[^{}]*\}|Bearer|Basic|\s)*$/;
const USER_INFO = /^([a-z][a-z0-9+.-]*:\/\/)[^/?#@]+@/i;

/**
 * A configuration without its secrets: all values under `headers`, those of keys whose name says it, and credentials in URLs. What is only
 * a variable's name stays, if it has no default.
 */
export function redact(value: unknown, key = "", secret = false): unknown {
  const hidden = secret || key === "headers" || SECRET_KEY.test(key);
  if (Array.isArray(value)) return value.map((item) => redact(item, "", hidden));
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(
      // Headers may be a list of names and values.
      Object.entries(value).map(([name, inner]) => [name, redact(inner, name, hidden && name !== "name")]),
    );
  if (value === null || value === undefined || value === "") return value;
  if (hidden) return typeof value === "string" && REFERENCES.test(value) && !value.includes(":-") ? value : REDACTED;
  return typeof value === "string" ? value.replace(USER_INFO, `$1${REDACTED}@`) : value;
}
