import type { Events, StoreEvent } from '../events.ts'
import type { Awaitable, Clock, Kept, Store, Tier, Written } from '../model.ts'
import type { CodecOptions } from '../stores/codec/codec.ts'
import { damaged } from './damage.ts'
import type { Fate, Fates } from './fate.ts'
import { wait } from './wait.ts'

export interface FaultyStoreOptions {
  readonly tier: Tier
  readonly fates: Fates
  readonly clock: Clock
  readonly events: Events
  /** Until an operation is given up, in ms. If undefined, a partition is noticed at once and a delay is waited out. */
  readonly deadlineMs?: number | undefined
  readonly codec?: CodecOptions | undefined
}

/**
 * A store that goes wrong as stores do: reads return `unknown`, late, or what the codec makes of damaged octets; writes
 * are late or lost. Writes reach the store in the order in which they were made: only their completion is late.
 */
export function faultyStore(store: Store, options: FaultyStoreOptions): Store {
  const { tier, fates, clock, events, deadlineMs, codec = {} } = options

  const report = (op: StoreEvent['op'], count: number): void => {
    for (let n = 0; n < count; n++) events.emit('store', { tier, op, outcome: 'error' })
  }

  const damage = (key: string, kept: Kept, { way }: Fate): Kept => {
    if (kept === undefined || kept === 'unknown') return kept
    report('get', 1)
    return damaged(key, kept, way, codec)
  }

  const read = <T>(count: number, ask: () => Awaitable<T>, failureValue: T, corrupt: (found: T, fate: Fate) => T) => {
    const fate = fates.next()
    const failsAfter = failure(fate, deadlineMs)
    if (failsAfter !== undefined) {
      report('get', count)
      return later(failsAfter, failureValue, clock)
    }
    const found = fate.fault === 'corruption' ? mapAwaitable(ask(), (kept) => corrupt(kept, fate)) : ask()
    return later(fate.delayMs, found, clock)
  }

  const write = <T>(op: 'set' | 'delete', count: number, act: () => Awaitable<T>, failureValue: T): Awaitable<T> => {
    const fate = fates.next()
    const failsAfter = failure(fate, deadlineMs)
    if (failsAfter === undefined) return later(fate.delayMs, act(), clock)
    report(op, count)
    return later(failsAfter, failureValue, clock)
  }

  return {
    get: (key, anew) =>
      read<Kept>(
        1,
        () => store.get(key, anew),
        'unknown',
        (kept, fate) => damage(key, kept, fate),
      ),
    getMany: (keys) =>
      read<readonly Kept[]>(
        keys.length,
        () => store.getMany(keys),
        keys.map(() => 'unknown'),
        (found, fate) => found.map((kept, at) => damage(keys[at] ?? '', kept, fate)),
      ),
    set: (key, stored, keepForMs) => write<Written>('set', 1, () => store.set(key, stored, keepForMs), 'lost'),
    setMany: (writes) => write('set', writes.length, () => store.setMany(writes), undefined),
    delete: (key) => write('delete', 1, () => store.delete(key), undefined),
    deleteMany: (keys) => write('delete', keys.length, () => store.deleteMany(keys), undefined),
    clear: () => write('delete', 1, () => store.clear(), undefined),
    close: () => store.close(),
    usage: () => (fates.partitioned() ? store.usage().map((usage) => ({ ...usage, degraded: true })) : store.usage()),
  }
}

/** After how many milliseconds the operation fails; undefined when it does not. */
function failure({ fault, delayMs }: Fate, deadlineMs: number | undefined): number | undefined {
  if (fault === 'partition') return deadlineMs ?? 0
  if (deadlineMs !== undefined && delayMs >= deadlineMs) return deadlineMs
  return fault === 'error' ? delayMs : undefined
}

/** A value that is there at once stays so if there is no delay. */
function later<T>(delayMs: number, value: Awaitable<T>, clock: Clock): Awaitable<T> {
  return delayMs <= 0 ? value : wait(delayMs, clock).then(() => value)
}

const mapAwaitable = <T>(value: Awaitable<T>, change: (value: T) => T): Awaitable<T> =>
  value instanceof Promise ? value.then(change) : change(value)
