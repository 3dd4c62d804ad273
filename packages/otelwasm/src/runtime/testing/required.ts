/** What OTELWASM_REQUIRE names: with it set, a test that needs one of these fails where that is missing, in place of being left out. */
export function required(): readonly string[] {
  return (process.env.OTELWASM_REQUIRE ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}
