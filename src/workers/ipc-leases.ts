import type { FetchLeases, Lease } from '../model.ts'
import type { Calls } from './calls.ts'
import type { PrimaryService } from './services.ts'

type Primary = Pick<Calls<Pick<PrimaryService, 'take' | 'release'>, unknown>, 'call' | 'tell'>

/** One fetch per key among the workers of one primary, which keeps the table. */
export function ipcLeases(primary: Primary): FetchLeases {
  const lease = (key: string, fence: number): Lease => {
    let held = true
    return {
      fence,
      release(ending) {
        if (held) primary.tell('release', { key, fence, ending })
        held = false
      },
    }
  }
  return {
    async take(key) {
      const turn = await primary.call('take', key).catch(() => ({ kind: 'unavailable' }) as const)
      return turn.kind === 'held' ? { kind: 'held', lease: lease(key, turn.fence) } : turn
    },
    close() {},
  }
}
