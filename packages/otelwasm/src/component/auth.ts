/** A request's header by its name in lower case; several of one name are joined by `, `. In gRPC: the metadata. */
export type HeaderLookup = (name: string) => string | undefined;

/** Tells who may send. */
export interface ServerAuthenticator {
  /**
   * @param header of the request; its body has not been read
   * @throws ConsumerError permanent, with the code UNAUTHENTICATED: who asks is answered with its message, which tells nothing that only the configuration knows
   */
  authenticate(header: HeaderLookup): void;
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
