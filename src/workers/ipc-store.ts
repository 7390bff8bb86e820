import { TO_UPTIME_MS } from '../clock.ts'
import { MAX_SMALL_BYTES } from '../body.ts'
import { contentReceived } from '../heap/content-volume.ts'
import type { Awaitable, Kept, Pressure, Store, Stored, Written } from '../model.ts'
import { decode, encode } from '../stores/codec/codec.ts'
import { mayTakeIn } from '../stores/taking-in.ts'
import type { Calls } from './calls.ts'
import type { PrimaryService } from './services.ts'

type Memory = Pick<PrimaryService, 'get' | 'put' | 'forget' | 'forgetAll'>
type Primary = Pick<Calls<Memory, unknown>, 'call' | 'notify'>

export interface IpcStoreOptions {
  /**
   * Octets that may be on their way to the primary, the last entry not counted; an entry beyond that stays with the
   * worker that has it. They take a multiple of this: here, in messages, and in the primary.
   */
  readonly maxUnderway: number
  /** While memory is short, no large entry is copied to the primary or from there. */
  readonly pressure?: Pressure | undefined
  /** Added to this process's times to get those that all workers have in common, in ms. */
  readonly correction?: number
}

/** The memory of the primary as a store of its workers, each with a clock of its own. The primary reports its usage. */
export function ipcStore(
  primary: Primary,
  { maxUnderway, pressure, correction = TO_UPTIME_MS }: IpcStoreOptions,
): Store {
  let underway = 0

  const get = async (key: string): Promise<Kept> => {
    try {
      const mostBytes = pressure?.high === true ? MAX_SMALL_BYTES : Number.POSITIVE_INFINITY
      const octets = await primary.call('get', { key, mostBytes })
      if (octets === undefined) return undefined
      contentReceived(octets.length)
      return decode(key, octets, { correction })
    } catch {
      return 'unknown'
    }
  }
  const octetsOf = (key: string, stored: Stored): Buffer | undefined => {
    const bytes = stored.kind === 'response' ? (stored.body.bytes?.length ?? 0) : 0
    if (!mayTakeIn(2 * bytes, pressure)) return undefined // as octets, and in a message
    return encode(key, stored, { correction })
  }
  /** Whoever is told of the entry afterwards finds it: messages keep their order. */
  const set = (key: string, stored: Stored): Awaitable<Written> => {
    const octets = underway < maxUnderway ? octetsOf(key, stored) : undefined
    if (octets === undefined) {
      primary.notify('forget', [key]) // what is there is older
      return 'lost'
    }
    underway += octets.length
    const arrived = (isKept: boolean): Written => {
      underway -= octets.length
      return isKept ? undefined : 'lost'
    }
    return primary.call('put', { key, octets }).then(arrived, () => arrived(false))
  }

  return {
    get,
    getMany: (keys) => Promise.all(keys.map(get)),
    set,
    setMany(writes) {
      for (const { key, stored } of writes) void set(key, stored)
    },
    delete: (key) => primary.notify('forget', [key]),
    deleteMany: (keys) => primary.notify('forget', keys),
    clear: () => primary.notify('forgetAll', undefined),
    close() {},
    usage: () => [],
  }
}
