/** Arrays of small numbers that grow: what was never set is 0. */
abstract class Growing<A extends Uint8Array | Uint32Array> {
  #array: A = this.make(1024);

  protected abstract make(length: number): A;

  get(at: number): number {
    return this.#array[at] ?? 0;
  }

  set(at: number, value: number): void {
    if (at >= this.#array.length) {
      const wider = this.make(Math.max(at + 1, this.#array.length * 2));
      wider.set(this.#array);
      this.#array = wider;
    }
    this.#array[at] = value;
  }
}

export class Bytes extends Growing<Uint8Array> {
  protected override make(length: number): Uint8Array {
    return new Uint8Array(length);
  }
}

export class Words extends Growing<Uint32Array> {
  protected override make(length: number): Uint32Array {
    return new Uint32Array(length);
  }
}
