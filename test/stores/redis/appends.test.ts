import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { LiveNodes } from '../../../src/stores/log/live-nodes.ts'
import { Appends } from '../../../src/stores/redis/appends.ts'
import { Closing } from '../../../src/stores/redis/closing.ts'
import { NewestRecord } from '../../../src/stores/redis/newest-record.ts'
import { FakeClock } from '../../support/fake-clock.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Remembers whoever has listened without keeping them. */
class WatchedNodes extends LiveNodes {
  readonly listeners: WeakRef<() => void>[] = []

  override onChange(listener: () => void): () => void {
    this.listeners.push(new WeakRef(listener))
    return super.onChange(listener)
  }
}

test('what waited for a record to be followed is let go of, not kept until the log is closed', async () => {
  const clock = new FakeClock()
  const nodes = new WatchedNodes('self', 5_000, clock)
  nodes.applied('g', 3)
  let position = 0
  const append = () => {
    position++
    return Promise.resolve({ head: { generation: 'g', position, doubtForMs: 0 }, nodes: [], position })
  }
  const log = { generation: 'g', position: 0, nonce: '' }
  const appends = new Appends({
    calls: { append, replicate: () => Promise.resolve() },
    nodes,
    log,
    newest: new NewestRecord(log),
    clock,
    closing: new Closing(clock),
    appendTimeout: 1_000,
    maxTargets: 100,
    outOfStep: () => {},
  })
  for (let n = 0; n < 3; n++) await appends.append('purge', { urls: ['shop.example/'] }, 1_000)
  await setImmediate()
  collectGarbage()
  expect(nodes.listeners.map((listener) => listener.deref())).toEqual([undefined, undefined, undefined])
  expect(appends).toBeDefined() // they are not gone with it
})
