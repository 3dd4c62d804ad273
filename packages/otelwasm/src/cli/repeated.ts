/** For commander's `argParser`: an option that may be repeated is the list of all that was given. */
export function repeated(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}
