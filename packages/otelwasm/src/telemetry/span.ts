/** What happens to one batch in one place, while it is traced: https://opentelemetry.io/docs/specs/otel/trace/api/#span */
export interface Span {
  set(attributes: Readonly<Record<string, string | number | boolean>>): void;
  /** A part of it, in another place. */
  child(name: string): Span;
  /** Once. @param error why it went wrong */
  end(error?: unknown): void;
}
