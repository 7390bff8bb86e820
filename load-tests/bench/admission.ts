/** Hit ratios of the memory store with and without admission, and the best possible ones. Prints JSON. */
import { bestStaticRatio, hitRatio, type Keeper, optimalRatio, TRACES } from './traces.ts'

/** The part of the library measured here; its types do not exist before the build. */
interface Library {
  readonly memoryStore: (options: { maxBytes: number; admission: 'on' | 'off'; seed: number }) => Store
}

interface Store {
  get(key: string): unknown
  set(key: string, stored: object, keepForMs: number): void
  usage(): readonly { bytes: number }[]
}

const PLACES = 1_000
const LENGTH = 400_000
const PACKAGE: string = 'herdgate'
const VALUE = { kind: 'value', value: 0, bytes: 1_000, url: '', tags: [] }

const { memoryStore }: Library = await import(PACKAGE)
const probe = memoryStore({ maxBytes: 2 ** 20, admission: 'off', seed: 1 })
probe.set(keyOf(0), VALUE, 60_000)
const maxBytes = PLACES * (probe.usage()[0]?.bytes ?? 0)

const report = Object.entries(TRACES).map(([trace, make]) => {
  const requests = make(LENGTH)
  return {
    trace,
    plain: hitRatio(requests, keeperOf('off')),
    admitting: hitRatio(requests, keeperOf('on')),
    bestStatic: bestStaticRatio(requests, PLACES),
    optimal: optimalRatio(requests, PLACES),
  }
})
console.log(JSON.stringify(report))

function keeperOf(admission: 'on' | 'off'): Keeper {
  const store = memoryStore({ maxBytes, admission, seed: 1 })
  return {
    has: (key) => store.get(keyOf(key)) !== undefined,
    add: (key) => store.set(keyOf(key), VALUE, 60_000),
  }
}

function keyOf(key: number): string {
  return `/${String(key).padStart(8, '0')}`
}
