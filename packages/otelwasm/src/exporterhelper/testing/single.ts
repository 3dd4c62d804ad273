/** For what a test tries once: each batch is one attempt, and its sender hears what came of it. */
export const SINGLE_ATTEMPT = { retry_on_failure: { enabled: false }, sending_queue: { enabled: false } } as const;
