/** Plays a history: clients, a changing origin, purges, and faults. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Targets } from '../../src/cache/targets.ts'
import { Random } from '../fuzz/random.ts'
import type { DurableRedis } from './durable-redis.ts'
import { type Body, emptyHistory, type Get, type History, type Purge } from './history.ts'
import { type Member, SITE, type StartMember } from './member.ts'
import type { Plan, Step } from './plan.ts'
import { keysNamedBy, RESOURCES, USERS } from './resources.ts'
import { VersionedOrigin } from './versioned-origin.ts'

/** Every request of a client or an operator is answered within this time. */
const PATIENCE_MS = 60_000
const MIN_READS = 300

/** @throws if a request or a purge is not answered */
export async function play(plan: Plan, redis: DurableRedis, startMember: StartMember): Promise<History> {
  const game = new Game(plan, redis, startMember)
  try {
    return await game.play()
  } finally {
    await game.clear()
  }
}

class Game {
  readonly #plan: Plan
  readonly #redis: DurableRedis
  readonly #startMember: StartMember
  readonly #random: Random
  readonly #history = emptyHistory()
  readonly #origin: VersionedOrigin
  readonly #prefix: string
  readonly #nodes: (Member | undefined)[] = []
  readonly #left: Promise<void>[] = []
  #over = false

  constructor(plan: Plan, redis: DurableRedis, startMember: StartMember) {
    this.#plan = plan
    this.#redis = redis
    this.#startMember = startMember
    this.#random = new Random(plan.seed ^ 0x5eed)
    this.#prefix = `history-${plan.seed}`
    const { headMs, bodyMs, failsOneIn } = plan
    const random = this.#random
    this.#origin = new VersionedOrigin(this.#history, {
      pauses: () => ({ head: random.upTo(headMs), body: random.upTo(bodyMs) }),
      fails: () => failsOneIn > 0 && random.oneIn(failsOneIn),
    })
  }

  async play(): Promise<History> {
    const { nodes, clients, steps, durationMs, leaseMs } = this.#plan
    await this.#redis.empty()
    for (let at = 0; at < nodes; at++) this.#nodes[at] = await this.#start(at)
    const acts = [
      this.#change(),
      ...Array.from({ length: nodes * clients }, (_, at) => this.#ask(at % nodes)),
      ...steps.map((step) => this.#inject(step)),
    ]
    await Promise.race([this.#enough(durationMs), failure(acts)])
    await inTime('the faults', Promise.all(acts.slice(1 + nodes * clients)))
    for (const node of this.#nodes) node?.link.set({ kind: 'pass' })
    await Promise.race([sleep(2 * leaseMs), failure(acts)])
    this.#over = true
    await inTime('all answers', Promise.all(acts))
    return this.#history
  }

  /** Waits longer on a busy machine, where little happens in a given time. */
  async #enough(durationMs: number): Promise<void> {
    await sleep(durationMs)
    while (!this.#over && this.#history.gets.length < MIN_READS) await sleep(10)
  }

  async clear(): Promise<void> {
    this.#over = true
    for (const node of this.#nodes) if (node !== undefined) this.#left.push(node.stop())
    await inTime('the nodes end', Promise.all(this.#left))
  }

  #start(at: number): Promise<Member> {
    const { leaseMs, clockOffsetsMs } = this.#plan
    return this.#startMember({
      name: 'abc'.charAt(at),
      redisPort: this.#redis.port,
      prefix: this.#prefix,
      leaseMs,
      clockOffsetMs: clockOffsetsMs[at] ?? 0,
      origin: this.#origin,
    })
  }

  /** One client of a node. */
  async #ask(at: number): Promise<void> {
    const random = this.#random
    while (!this.#over) {
      const { key, variants, personal } = random.pick(RESOURCES)
      const user = personal || random.oneIn(4) ? random.pick(USERS) : undefined
      const get = await this.#get(at, { key, variant: random.pick(variants), user })
      if (get !== undefined) this.#history.gets.push(get)
      await sleep(random.below(this.#plan.thinkMs))
    }
  }

  /** undefined if the node has gone in the meantime, and cannot answer. */
  async #get(at: number, asked: Pick<Get, 'key' | 'variant' | 'user'>): Promise<Get | undefined> {
    const node = this.#nodes[at]
    if (node === undefined) return undefined
    const start = performance.now()
    const headers = {
      ...(asked.variant !== '' && { 'X-Variant': asked.variant }),
      ...(asked.user !== undefined && { 'X-User': asked.user }),
    }
    const answer = await this.#answerOf(at, node, node.get(asked.key, headers))
    if (answer === undefined) return undefined
    const { status, content, ...rest } = answer
    const body = status === 200 ? (JSON.parse(content) as Body) : undefined
    return { ...asked, node: node.name, start, end: performance.now(), status, body, ...rest }
  }

  async #answerOf<T>(at: number, node: Member, asking: Promise<T>): Promise<T | undefined> {
    try {
      const answer = await asking
      return this.#nodes[at] === node ? answer : undefined
    } catch (error) {
      if (this.#nodes[at] === node) throw error
      return undefined
    }
  }

  /** Changes the origin's content, and usually purges it. */
  async #change(): Promise<void> {
    const random = this.#random
    const purges: Promise<void>[] = []
    while (!this.#over) {
      const { key } = random.pick(RESOURCES)
      this.#origin.write(key)
      if (!random.oneIn(5)) purges.push(this.#purge(key))
      await sleep(random.below(this.#plan.writeEveryMs))
    }
    await Promise.all(purges)
  }

  async #purge(key: string): Promise<void> {
    const random = this.#random
    const at = random.pick(this.#plan.issuers) ?? 0
    const node = this.#nodes[at]
    if (node === undefined) return
    const [targets, keys] = random.pick(targetsFor(key))
    const mode = random.oneIn(4) ? 'invalidate' : 'purge'
    const purge: Purge = { mode, node: node.name, keys, call: performance.now(), answer: undefined }
    this.#history.purges.push(purge)
    const answer = await this.#answerOf(at, node, node.purge(mode, targets))
    if (answer !== undefined) purge.answer = { at: performance.now(), ...answer }
  }

  async #inject(step: Step): Promise<void> {
    await sleep(step.at)
    switch (step.kind) {
      case 'link':
        return this.#disturb(step.node, step)
      case 'crash':
      case 'stop':
        return this.#replace(step.node, step)
      case 'stall':
        return stall(step.forMs)
      default:
        return this.#redis.inject(step.kind, step.forMs)
    }
  }

  async #disturb(at: number, { fault, forMs }: Extract<Step, { kind: 'link' }>): Promise<void> {
    const node = this.#nodes[at]
    node?.link.set(fault)
    await sleep(forMs)
    if (node?.link.fault === fault) node.link.set({ kind: 'pass' })
  }

  async #replace(at: number, { kind, forMs }: Extract<Step, { kind: 'crash' | 'stop' }>): Promise<void> {
    const node = this.#nodes[at]
    if (node === undefined) return
    this.#nodes[at] = undefined
    this.#left.push(node[kind]())
    await sleep(forMs)
    this.#nodes[at] = await this.#start(at)
  }
}

/** Selectors that cover a key, each with all the keys it covers. */
function targetsFor(key: string): [[Targets, readonly string[]], ...[Targets, readonly string[]][]] {
  const { tags } = RESOURCES.find((resource) => resource.key === key) ?? { tags: [] }
  const prefix = key.slice(0, key.lastIndexOf('/'))
  return [
    [{ all: true }, RESOURCES.map((resource) => resource.key)],
    [{ urls: [SITE + key] }, [key]],
    [{ prefixes: [SITE + prefix] }, keysNamedBy({ prefix })],
    ...tags.map((tag): [Targets, string[]] => [{ tags: [tag] }, keysNamedBy({ tag })]),
  ]
}

function stall(forMs: number): void {
  const until = performance.now() + forMs
  while (performance.now() < until);
}

/** Rejects as soon as one of them does; never resolves. */
function failure(promises: readonly Promise<unknown>[]): Promise<never> {
  return new Promise((_, reject) => {
    for (const promise of promises) promise.catch(reject)
  })
}

async function inTime<T>(what: string, promise: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`not in ${PATIENCE_MS} ms: ${what}`)), PATIENCE_MS)
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
