/** What takes memory that this thread's heap does not know of. */
interface Footprint {
  /** In bytes, as it is now. */
  readonly footprint: number;
}

/** All plugins of the process: a limit of memory is one of the process, too. */
const found = new Set<Footprint>();

export function addFootprint(of: Footprint): void {
  found.add(of);
}

export function removeFootprint(of: Footprint): void {
  found.delete(of);
}

/** What the plugins of this process take of the machine's memory beside the heap of this thread, in bytes: as far as their places know. */
export function pluginFootprint(): number {
  let total = 0;
  for (const { footprint } of found) total += footprint;
  return total;
}
