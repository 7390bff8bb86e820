/** What is to happen in a history, derived from its seed alone. */
import { Random } from '../fuzz/random.ts'
import type { Fault } from '../support/fault-proxy.ts'
import type { RedisFault } from './durable-redis.ts'

export interface Plan {
  readonly seed: number
  readonly theme: Theme
  readonly nodes: number
  readonly leaseMs: number
  readonly durationMs: number
  /** Clock offset of each node. */
  readonly clockOffsetsMs: readonly number[]
  /** The nodes that purge requests go to. */
  readonly issuers: readonly number[]
  /** Clients of each node, and their maximum think time. */
  readonly clients: number
  readonly thinkMs: number
  /** Maximum time between two changes at the origin. */
  readonly writeEveryMs: number
  /** Maximum time the origin takes for a head, and between two halves of a body. */
  readonly headMs: number
  readonly bodyMs: number
  /** One in this many origin requests fails; 0: none. */
  readonly failsOneIn: number
  /** Redis loses data it has acknowledged, so no purge is guaranteed to bind within two leases. */
  readonly losesData: boolean
  readonly steps: readonly Step[]
}

/** A fault, from `at` on, for `forMs`. */
export type Step = { readonly at: number; readonly forMs: number } & (
  | { readonly kind: 'link'; readonly node: number; readonly fault: Fault }
  /** A node crashes or shuts down in order, and a new one replaces it. */
  | { readonly kind: 'crash' | 'stop'; readonly node: number }
  /**
   * Redis: `restart` keeps its data, `wipe` comes back empty, `rollback` restores the data of when the step began,
   * `freeze` suspends it, `flush` empties it while it runs, `cut` closes its client connections, `hold` blocks writes,
   * `fill` leaves no memory for them, `demote` makes it a replica, `forget` drops its scripts, `trim` all but the newest
   * log record.
   */
  | { readonly kind: RedisFault }
  /** The event loop of all nodes is blocked. */
  | { readonly kind: 'stall' }
)

/** A seed's theme depends on their number and order, so do not change either. */
const THEMES = ['network', 'crashes', 'redis', 'loss', 'rollback', 'calm'] as const
export type Theme = (typeof THEMES)[number] | 'ailing' | 'starved'

const NODES = 3

/** @param theme replaces the seed's own */
export function planOf(seed: number, theme: Theme = THEMES[seed % THEMES.length] ?? 'calm'): Plan {
  const random = new Random(seed)
  const leaseMs = random.pick([200, 300, 500])
  const durationMs = 1_000 + random.below(800)
  const losesData = theme === 'loss' || theme === 'rollback'
  const draw: Draw = { random, leaseMs, durationMs }
  return {
    seed,
    theme,
    nodes: NODES,
    leaseMs,
    durationMs,
    clockOffsetsMs: Array.from({ length: NODES }, () => random.below(600) - 300),
    issuers: losesData ? [0, 1] : [0, 1, 2],
    clients: 3,
    thinkMs: random.pick([4, 8, 16]),
    writeEveryMs: random.pick([30, 60, 120]),
    headMs: random.pick([2, 10, 40]),
    bodyMs: random.pick([1, 5, 20]),
    failsOneIn: losesData ? 0 : random.pick([0, 10, 40]),
    losesData,
    steps: STEPS[theme](draw).sort((a, b) => a.at - b.at),
  }
}

/** The same plan, slowed down by a factor. */
export function slowed(plan: Plan, times: number): Plan {
  const { leaseMs, durationMs, thinkMs, writeEveryMs, headMs, steps } = plan
  return {
    ...plan,
    leaseMs: times * leaseMs,
    durationMs: times * durationMs,
    thinkMs: times * thinkMs,
    writeEveryMs: times * writeEveryMs,
    headMs: times * headMs,
    steps: steps.map((step) => ({ ...step, at: times * step.at, forMs: times * step.forMs })),
  }
}

interface Draw {
  readonly random: Random
  readonly leaseMs: number
  readonly durationMs: number
}

/**
 * What is guaranteed when Redis loses acknowledged data holds only while the node that issued a purge lives, and for
 * one fault at a time: in `loss` only a node that issues no purges ends, and in `rollback` nothing else goes wrong.
 */
const STEPS: Readonly<Record<Theme, (draw: Draw) => Step[]>> = {
  calm: () => [],
  network: (draw) => times(draw, 6, linkStep).concat(times(draw, 1, stall)),
  crashes: (draw) => times(draw, 3, linkStep).concat(times(draw, 4, nodeStep)),
  redis: (draw) => times(draw, 3, linkStep).concat(times(draw, 3, redisStep)),
  ailing: (draw) => times(draw, 2, linkStep).concat(times(draw, 4, ailingStep)),
  starved: (draw) => times(draw, 2, linkStep).concat(times(draw, 3, longStall), times(draw, 3, freeze)),
  loss: (draw) => times(draw, 2, linkStep).concat(times(draw, 2, lossStep), times(draw, 1, bystander)),
  rollback: ({ random, leaseMs, durationMs }) => {
    const at = random.below(Math.floor(durationMs / 2))
    return [{ kind: 'rollback', at, forMs: 100 + random.below(2 * leaseMs) }]
  },
}

export const isTheme = (name: string): name is Theme => Object.hasOwn(STEPS, name)

function times(draw: Draw, most: number, step: (draw: Draw) => Step): Step[] {
  return Array.from({ length: 1 + draw.random.below(most) }, () => step(draw))
}

function linkStep(draw: Draw): Step {
  const { random, leaseMs } = draw
  const faults: [Fault, ...Fault[]] = [
    { kind: 'blackhole' },
    { kind: 'blackhole' },
    { kind: 'reset' },
    { kind: 'delay', ms: 1 + random.below(40) },
    { kind: 'delay', ms: random.below(3 * leaseMs) },
    { kind: 'throttle', bytesPerSecond: 2_000 + random.below(50_000) },
  ]
  return { kind: 'link', node: random.below(NODES), fault: random.pick(faults), ...span(draw, 4) }
}

function nodeStep(draw: Draw): Step {
  const { random } = draw
  return { kind: random.pick(['crash', 'crash', 'stop']), node: random.below(NODES), ...span(draw, 1) }
}

function redisStep(draw: Draw): Step {
  return { kind: draw.random.pick(['restart', 'restart', 'freeze', 'cut']), ...span(draw, 2) }
}

function ailingStep(draw: Draw): Step {
  return { kind: draw.random.pick(['hold', 'fill', 'demote', 'forget', 'trim']), ...span(draw, 2) }
}

function lossStep(draw: Draw): Step {
  return { kind: draw.random.pick(['wipe', 'flush']), ...span(draw, 1) }
}

function bystander(draw: Draw): Step {
  return { kind: 'crash', node: NODES - 1, ...span(draw, 1) }
}

function stall(draw: Draw): Step {
  return { kind: 'stall', ...span(draw, 1) }
}

function longStall(draw: Draw): Step {
  return { kind: 'stall', ...span(draw, 2) }
}

function freeze(draw: Draw): Step {
  return { kind: 'freeze', ...span(draw, 2) }
}

function span({ random, leaseMs, durationMs }: Draw, leases: number): Pick<Step, 'at' | 'forMs'> {
  return { at: random.below(durationMs), forMs: 10 + random.below(leases * leaseMs) }
}
