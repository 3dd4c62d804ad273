// Numbers and times as Go prints them, which is how the Collector's output looks.

/** `%f` */
export function fixed(value: number): string {
  if (!Number.isFinite(value)) return infinite(value);
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const size = Math.abs(value);
  // From here on doubles are whole, and JavaScript would write an exponent.
  if (size >= 1e21) return `${sign}${BigInt(size)}.000000`;
  const rounded = size.toFixed(6);
  // Halfway between two results Go takes the even one; only odd multiples of 1/128 are there exactly.
  if (Number.isInteger(size * 128) && !Number.isInteger(size * 64)) {
    const down = size.toFixed(7).slice(0, -1);
    if (Number(down.at(-1)) % 2 === 0) return sign + down;
  }
  return sign + rounded;
}

/** `%v`: as short as possible, with an exponent from a million on and below a ten-thousandth. */
export function shortest(value: number): string {
  if (!Number.isFinite(value)) return infinite(value);
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const [digits = "", exponent = ""] = value.toExponential().split("e");
  const power = Number(exponent);
  if (power >= -4 && power < 6) return String(value);
  return `${digits}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

function infinite(value: number): string {
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}

/** `time.Time` in UTC. @param nanoseconds since 1970, unsigned on the wire, but signed in Go */
export function time(nanoseconds: bigint): string {
  const signed = BigInt.asIntN(64, nanoseconds);
  const fraction = ((signed % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  const seconds = (signed - fraction) / 1_000_000_000n;
  const date = new Date(Number(seconds) * 1000).toISOString();
  const digits = fraction === 0n ? "" : `.${String(fraction).padStart(9, "0").replace(/0+$/, "")}`;
  return `${date.slice(0, 10)} ${date.slice(11, 19)}${digits} +0000 UTC`;
}
