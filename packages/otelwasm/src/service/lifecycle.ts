import type { BoundEndpoint, Graph, Stage } from "./graph.ts";
import { ComponentError, type Node } from "./instances.ts";

/** How long a component may take to shut down before the others go on without it. */
export const SHUTDOWN_TIMEOUT_MS = 10_000;

/** All instances of a graph, in the order in which they start. */
export function nodesOf(graph: Graph): Node[] {
  return [
    ...graph.extensions,
    ...graph.exporters,
    ...graph.stages.toReversed().map(({ node }) => node),
    ...graph.receivers,
  ];
}

/**
 * Starts the components: extensions in the order of `service::extensions`, then exporters, then processors and connectors, each after those that it gives data to, then receivers: nothing gets data before
 * what comes after it can take it. One after the other; the first failure ends it.
 *
 * @param fresh what is to be started, as another graph may have started some of it
 * @param aborted asked before each start
 * @throws ComponentError that names what could not be started; the caller then stops the graph
 */
export async function startGraph(graph: Graph, fresh: ReadonlySet<Node>, aborted: () => boolean): Promise<void> {
  for (const node of nodesOf(graph)) {
    if (!fresh.has(node)) continue;
    if (aborted()) throw new Error("the start was interrupted: the collector is shutting down");
    try {
      await node.status.whileStarting(() => node.component.start());
    } catch (error) {
      throw new ComponentError(node, "cannot be started", error);
    }
  }
  if (aborted()) throw new Error("the start was interrupted: the collector is shutting down");
}

/**
 * Shuts components down: receivers, then processors and connectors, each when all that it gets data from have come to their end, then exporters; what can go
 * at the same time does. Extensions go at the end, one after the other, the last to start first. A component that fails, or does not come to an end, does not keep the others from it.
 *
 * @param leaving what is to be shut down, as another graph may go on with some of it: nothing that stays hands data to it any more
 * @param timeoutMs for each component that does not ask for more
 * @returns what went wrong
 */
export async function stopGraph(
  graph: Graph,
  leaving: ReadonlySet<Node>,
  timeoutMs: number,
): Promise<ComponentError[]> {
  const errors: ComponentError[] = [];
  const stop = async (node: Node): Promise<void> => {
    if (!leaving.has(node)) return;
    await stopNode(node, timeoutMs).catch((error: ComponentError) => errors.push(error));
  };
  // Receivers wait for what the others have not delivered yet.
  for (const node of [...graph.stages.map((stage) => stage.node), ...graph.exporters]) {
    if (leaving.has(node)) node.component.stopping?.();
  }
  await Promise.all(graph.receivers.map(stop));
  const stopped = new Map<Stage, Promise<void>>();
  for (const stage of graph.stages) {
    const before = stage.after.map((each) => stopped.get(each));
    stopped.set(
      stage,
      Promise.all(before).then(() => stop(stage.node)),
    );
  }
  await Promise.all(stopped.values());
  await Promise.all(graph.exporters.map(stop));
  for (const node of graph.extensions.toReversed()) await stop(node);
  return errors;
}

/** @throws ComponentError */
export async function stopNode(node: Node, timeoutMs: number): Promise<void> {
  try {
    await node.status.whileStopping(() =>
      within(Math.max(timeoutMs, node.component.shutdownTimeoutMs ?? 0), node.component.shutdown()),
    );
  } catch (error) {
    throw new ComponentError(node, "cannot be shut down", error);
  }
}

/** @throws Error if the promise takes longer */
export async function within<T>(timeoutMs: number, promise: Promise<T>): Promise<T> {
  const { promise: expired, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`it took longer than ${timeoutMs} ms`)), timeoutMs);
  try {
    return await Promise.race([promise, expired]);
  } finally {
    clearTimeout(timer);
  }
}

/** What the receivers and extensions listen on; those that share a server name it once. */
export function endpointsOf(graph: Graph): BoundEndpoint[] {
  const found = new Map<string, BoundEndpoint>();
  for (const { id, component } of [...graph.receivers, ...graph.extensions]) {
    for (const { protocol, url } of component.endpoints ?? []) {
      found.set(`${id} ${protocol} ${url}`, { component: id, protocol, url });
    }
  }
  return [...found.values()];
}
