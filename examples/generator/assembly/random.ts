/** SplitMix64 (https://prng.di.unimi.it/splitmix64.c): the same seed gives the same numbers, everywhere. */
export class Random {
  private state: u64;

  /** @param stream numbers of one seed that have nothing to do with each other */
  constructor(seed: u64, stream: u64) {
    this.state = seed * 0x9e3779b97f4a7c15 + stream * 0xd1b54a32d192ed03;
    this.next();
  }

  next(): u64 {
    this.state += 0x9e3779b97f4a7c15;
    let z = this.state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  /** An id: anything but 0, which is none. */
  id(): u64 {
    let id = this.next();
    while (id == 0) id = this.next();
    return id;
  }

  /** From 0 up to and without 1. */
  fraction(): f64 {
    return <f64>(this.next() >> 11) / 9007199254740992;
  }

  /** From 0 up to and without `limit`. */
  below(limit: i32): i32 {
    return <i32>(this.fraction() * limit);
  }

  chance(probability: f64): bool {
    return this.fraction() < probability;
  }

  /** Durations as they are in practice: most near `typical`, some much longer. In microseconds. */
  duration(typical: i32): i32 {
    const f = this.fraction();
    return <i32>(<f64>typical * (0.6 + f + (f > 0.95 ? 160 * (f - 0.95) : 0)));
  }
}
