import { ConsumerError, StatusCode } from "./errors.ts";

/** A request's header by its name in lower case; several of one name are joined by `, `. In gRPC: the metadata. */
export type HeaderLookup = (name: string) => string | undefined;

/** Tells who may send. */
export interface ServerAuthenticator {
  /** What a refusal over HTTP says in `WWW-Authenticate`: https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1 */
  readonly challenge: string;
  /**
   * Cheap, or a promise: asked for every request. `header` is not used after it has returned.
   *
   * @param header of the request; its body has not been read
   * @throws ConsumerError (or a promise that rejects with one) permanent, with the code UNAUTHENTICATED: who asks is answered with its message, which tells
   *   nothing that only the configuration knows. Or retryable, when this cannot be told now.
   */
  authenticate(header: HeaderLookup): void | Promise<void>;
}

/** A refusal for who has not shown that it may send. */
export function unauthenticated(message: string): ConsumerError {
  return ConsumerError.permanent(message, { code: StatusCode.UNAUTHENTICATED });
}

/** Vouches for what an exporter sends. */
export interface ClientAuthenticator {
  /**
   * The headers of the next request, names in lower case. Cheap: asked for every request. The same object as before while nothing has changed.
   *
   * @throws ConsumerError retryable if there are none now
   */
  headers(): Readonly<Record<string, string>>;
}
