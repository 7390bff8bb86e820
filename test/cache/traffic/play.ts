import { DEFAULT_RULES } from '../../../src/config/defaults.ts'
import { field } from '../../../src/fields.ts'
import { type Cache, createCache } from '../../../src/library/embed.ts'
import type { Store } from '../../../src/model.ts'
import { localLog } from '../../../src/stores/memory/log.ts'
import { memoryStore } from '../../../src/stores/memory/store.ts'
import { createTiered } from '../../../src/stores/tiered.ts'
import { FakeClock, settle } from '../../support/fake-clock.ts'
import { FarStore } from '../../support/far-store.ts'
import { fieldsOf } from '../../support/fields.ts'
import { sharedLeases } from '../../support/shared-leases.ts'
import { History, type Reply } from './history.ts'
import { FAILURE_SHARED_FOR_MS } from './oracle.ts'
import { SteppedOrigin } from './origin.ts'
import { GRACE_S } from './resources.ts'
import type { Ask, Setting, Step } from './steps.ts'

export interface Played {
  readonly history: History
  /** What is left when every request has been answered. */
  readonly left: {
    readonly inFlight: number
    readonly waiting: number
    readonly timers: number
    readonly bytes: number
  }
}

/** Plays the steps, then lets the origin answer all that is left. */
export async function play(setting: Setting, steps: readonly Step[]): Promise<Played> {
  const game = new Game(setting)
  for (const step of steps) await game.take(step)
  return game.finish()
}

function storesOf(nodes: Setting['nodes'], clock: FakeClock): readonly Store[] {
  if (nodes === 'one') return [memoryStore({ maxBytes: '64MiB' })]
  const far = new FarStore()
  return Array.from({ length: nodes === 'one with a far store' ? 1 : 2 }, () =>
    createTiered([memoryStore({ maxBytes: 2_000 }), far], clock),
  )
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, each) => all + each, 0)

interface Client {
  readonly leaving: AbortController
  isDone: boolean
}

class Game {
  readonly #clock = new FakeClock()
  readonly #history = new History(this.#clock)
  readonly #origin: SteppedOrigin
  readonly #stores: readonly Store[]
  readonly #nodes: readonly Cache[]
  readonly #setting: Setting
  readonly #clients: Client[] = []
  readonly #lastTags = new Map<string, string>()
  readonly #all: Promise<void>[] = []

  constructor(setting: Setting) {
    this.#setting = setting
    this.#origin = new SteppedOrigin(this.#history, setting.resources)
    const rules = {
      ...DEFAULT_RULES,
      grace: GRACE_S * 1000,
      softTimeout: setting.softTimeout === undefined ? undefined : setting.softTimeout * 1000,
    }
    const routes = [{ name: 'r', match: {}, origin: this.#origin, rules }]
    const [clock, log] = [this.#clock, localLog({ generation: 'g' })]
    this.#stores = storesOf(setting.nodes, clock)
    const sharing = this.#stores.length > 1 ? { leases: sharedLeases(), maxObjectBytes: 1_000 } : undefined
    this.#nodes = this.#stores.map((store) => createCache({ store, log, clock, routes, sharing }))
  }

  async take(step: Step): Promise<void> {
    this.#do(step)
    await settle()
    await this.#clock.advance(1) // no two things happen at the same time
  }

  #do(step: Step): void {
    switch (step.do) {
      case 'ask':
        return this.#begin(this.#ask(step))
      case 'answer':
        return this.#origin.answer(step.which, step.how)
      case 'end':
        return this.#origin.end(step.which, step.how)
      case 'change':
        return this.#origin.change(step.path)
      case 'pass':
        return this.#begin(this.#clock.advance(step.seconds * 1000))
      case 'purge':
      case 'invalidate':
        return this.#begin(this.#remove(step.do, step))
      case 'post':
        return this.#begin(this.#post(step.path))
      case 'leave':
        return this.#clients.filter(({ isDone }) => !isDone)[step.which]?.leaving.abort()
    }
  }

  async finish(): Promise<Played> {
    for (let round = 0; round < 100 && this.#isBusy(); round++) {
      this.#origin.answer(0, 'whole')
      this.#origin.end(0, 'whole')
      await settle()
    }
    await Promise.all(this.#all)
    await this.#clock.advance(FAILURE_SHARED_FOR_MS)
    const stats = this.#nodes.map((node) => node.stats())
    for (const node of this.#nodes) await node.clear()
    const left = {
      inFlight: sum(stats.map(({ inFlight }) => inFlight)),
      waiting: sum(stats.map(({ waiting }) => waiting)),
      timers: this.#clock.pending,
      bytes: sum(this.#stores.flatMap((store) => store.usage().map(({ bytes }) => bytes))),
    }
    return { history: this.#history, left }
  }

  #node(at: number): Cache {
    const node = this.#nodes[at % this.#nodes.length]
    if (node === undefined) throw new Error('no node')
    return node
  }

  #isBusy(): boolean {
    return this.#origin.waiting.length + this.#origin.unfinished.length > 0
  }

  #begin(action: Promise<void>): void {
    this.#all.push(action)
  }

  async #ask(ask: Ask): Promise<void> {
    const { path, method, variant, user, range, directive } = ask
    const client: Client = { leaving: new AbortController(), isDone: false }
    this.#clients.push(client)
    const by = this.#setting.resources[path]?.personal
    const last = this.#lastTags.get(`${path} ${variant} ${user}`)
    const condition = ask.condition === 'last' ? last : ask.condition === 'other' ? '"none"' : undefined
    const fields = fieldsOf({
      'X-Variant': variant,
      Cookie: user !== '' && by !== 'authorization' ? `id=${user}` : undefined,
      Authorization: user !== '' && by === 'authorization' ? `Bearer ${user}` : undefined,
      Range: range,
      'Cache-Control': directive,
      'If-None-Match': condition,
    })
    const asked = this.#history.next()
    const busy = this.#origin.isBusyWith(path)
    const { signal } = client.leaving
    const answer = await this.#node(ask.node).handle({ method, url: `http://a.test${path}`, fields, signal })
    const reply: Reply = {
      ask,
      condition,
      asked,
      answered: this.#history.next(),
      at: this.#clock.now(),
      status: answer.status,
      etag: field(answer.fields, 'etag'),
      contentRange: field(answer.fields, 'content-range'),
      result: answer.outcome.result,
      detail: answer.outcome.detail,
      cacheStatus: field(answer.fields, 'cache-status') ?? '',
      content: '',
      broken: false,
      busy,
    }
    const reader = answer.body?.read()
    signal.addEventListener('abort', () => reader?.cancel())
    if (signal.aborted) reader?.cancel()
    try {
      for (let chunk = await reader?.next(); chunk !== undefined; chunk = await reader?.next()) {
        reply.content += Buffer.from(chunk).toString()
      }
    } catch {
      reply.broken = true
    }
    client.isDone = true
    if (signal.aborted) return
    this.#history.replies.push(reply)
    if (reply.etag !== undefined) this.#lastTags.set(`${path} ${variant} ${user}`, reply.etag)
  }

  async #remove(
    kind: 'purge' | 'invalidate',
    { by, path }: { by: 'tag' | 'url' | 'all'; path: string },
  ): Promise<void> {
    const removal = this.#history.remove(kind, by === 'all' ? undefined : path)
    const targets = { tag: { tags: [path.slice(1)] }, url: { urls: [`http://a.test${path}`] }, all: { all: true } }[by]
    const node = this.#node(0)
    await (kind === 'purge' ? node.purge(targets) : node.invalidate(targets))
    removal.acknowledged = this.#history.next()
  }

  /** A successful POST invalidates. */
  async #post(path: string): Promise<void> {
    const answer = await this.#node(0).handle({ method: 'POST', url: `http://a.test${path}`, fields: [] })
    const reader = answer.body?.read()
    while ((await reader?.next()) !== undefined);
    if (answer.status !== 200) return
    const removal = this.#history.remove('invalidate', path)
    removal.acknowledged = this.#history.next()
  }
}
