/**
 * A map that forgets: what was not used for longest goes first once the weights add up to more than the bound.
 * For things that can be had again.
 */

/** What a bound asks of a map that stands under it. */
interface Forgetful {
  /** When its oldest entry was used last, counted in uses; Infinity for an empty map. */
  oldestUse(): number;
  dropOldest(): void;
}

/** A bound that several maps have together: the oldest entry of all of them goes first. */
export class SharedBound {
  readonly max: number;
  readonly #maps: Forgetful[] = [];
  #weight = 0;
  #uses = 0;

  constructor(max: number) {
    this.max = max;
  }

  /** The weights of all entries of all maps together. */
  get weight(): number {
    return this.#weight;
  }

  /** For the maps: one more stands under it. */
  join(map: Forgetful): void {
    this.#maps.push(map);
  }

  /** For the maps: numbers of uses, ascending. */
  nextUse(): number {
    return ++this.#uses;
  }

  /** For the maps: what came in (positive) or went; makes room where it is too much. */
  add(weight: number): void {
    this.#weight += weight;
    while (this.#weight > this.max) {
      this.#maps.reduce((a, b) => b.oldestUse() < a.oldestUse() ? b : a).dropOldest();
    }
  }
}

/** Keeps the entries used last, as many as weigh at most the bound together. */
export class BoundedMap<K, V> {
  readonly #entries = new Map<K, { value: V; weight: number; use: number }>();
  readonly #bound: SharedBound;
  #weight = 0;

  /** `bound`: the most that the entries may weigh, or a bound that other maps have too. */
  constructor(bound: number | SharedBound) {
    this.#bound = typeof bound === "number" ? new SharedBound(bound) : bound;
    this.#bound.join(this);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The weights of all entries together. */
  get weight(): number {
    return this.#weight;
  }

  /** The value, which thereby counts as used now. */
  get(key: K): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    entry.use = this.#bound.nextUse();
    this.#entries.set(key, entry);
    return entry.value;
  }

  /** Puts a value in and lets go of as many old ones as it takes; one heavier than the bound is not kept at all. */
  set(key: K, value: V, weight = 1): void {
    this.delete(key);
    if (weight > this.#bound.max) return;
    this.#entries.set(key, { value, weight, use: this.#bound.nextUse() });
    this.#weight += weight;
    this.#bound.add(weight);
  }

  delete(key: K): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#weight -= entry.weight;
    this.#bound.add(-entry.weight);
  }

  /** For the bound (`Forgetful`). */
  oldestUse(): number {
    for (const { use } of this.#entries.values()) return use;
    return Infinity;
  }

  /** For the bound (`Forgetful`). */
  dropOldest(): void {
    for (const key of this.#entries.keys()) return this.delete(key);
  }
}
