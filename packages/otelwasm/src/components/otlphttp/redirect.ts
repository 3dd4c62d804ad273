/** Go's client gives up after as many. */
export const MAX_REDIRECTS = 10;

/** Only these ask for the same request once more: after 301, 302 and 303 Go's client sends a GET without the data. */
export function isRedirect(status: number): boolean {
  return status === 307 || status === 308;
}

/**
 * Where an answer sends a request on to. It carries telemetry and credentials: so only to the same host, and not from TLS to plaintext.
 *
 * @returns the URL, or why it is not followed
 */
export function redirectTarget(from: URL, location: string | undefined): URL | string {
  if (location === undefined) return "a redirect without a Location";
  if (!URL.canParse(location, from)) return "a redirect to what is not a URL";
  const to = new URL(location, from);
  const name = `${to.protocol}//${to.host}${to.pathname}`;
  if (to.protocol !== "http:" && to.protocol !== "https:") return `a redirect to ${name}, which is not HTTP`;
  if (to.hostname !== from.hostname) {
    return `a redirect to ${name}: data only goes to hosts that the configuration names, so write that URL there if it is meant`;
  }
  if (from.protocol === "https:" && to.protocol === "http:") return `a redirect to ${name}, which is without TLS`;
  to.username = from.username;
  to.password = from.password;
  to.hash = "";
  return to;
}
