import type { Clock, LogNode, Receipt } from '../../model.ts'

/** How far a node has come, as it says. */
interface Report {
  readonly generation: string
  readonly position: number
  /** Of that node, in milliseconds: after two of them it cannot use anything older. */
  readonly lease: number
}

/** A record in the log, and since when. */
export interface Logged {
  readonly generation: string
  readonly position: number
  readonly at: number
}

/** What Redis knows of the nodes. */
export interface Listing {
  /** Node, report, and for how many ms it is listed yet if it says nothing more, in turns. */
  readonly nodes: readonly string[]
  /** For so long there may be nodes that are not listed. */
  readonly doubtForMs: number
}

/** Nodes that were silent for so many leases are no longer asked whether they follow. */
export const FORGOTTEN_AFTER_LEASES = 12

const NOTHING: Report = { generation: '', position: 0, lease: 0 }

interface Known {
  readonly report: Report
  readonly heardAt: number
  /** Until then it is listed if it says nothing more: a list that lacks it has lost it. */
  readonly until: number
  /** It has been given the time to come back since then, which is given once. */
  readonly isExpected?: true
}

/** Who shares the log, how far each has come, and whom a record still waits for. */
export class LiveNodes {
  readonly #self: string
  readonly #lease: number
  readonly #clock: Clock
  readonly #known = new Map<string, Known>()
  /** Nodes that have left, and when that was heard: a list that was asked for before may still name them. */
  readonly #left = new Map<string, number>()
  readonly #changed = new Set<() => void>()
  #slowestTold = ''
  /** Until then there may be nodes that the list lacks. */
  #doubtUntil = -Infinity

  constructor(self: string, lease: number, clock: Clock) {
    this.#self = self
    this.#lease = lease
    this.#clock = clock
    this.#setSelf(NOTHING)
  }

  /** The log is heard again after it was not: whoever was there before may come back as well. */
  expectAll(): void {
    const until = this.#clock.now() + FORGOTTEN_AFTER_LEASES * this.#lease
    for (const [node, known] of this.#known) {
      if (known.isExpected) continue
      this.#known.set(node, { ...known, until: Math.max(known.until, until), isExpected: true })
    }
  }

  /**
   * Takes over the list that Redis has. One that was lost, or is an older one, lacks whoever has not come back yet.
   * @param askedAt when it was asked for: what was heard before may be of a log that has been set back since
   */
  replace({ nodes, doubtForMs }: Listing, askedAt: number): void {
    const now = this.#clock.now()
    const listed = new Set<string>()
    for (let at = 0; at + 2 < nodes.length; at += 3) {
      const [node = '', report = '', forMs = ''] = nodes.slice(at, at + 3)
      if ((this.#left.get(node) ?? -Infinity) > askedAt) continue
      listed.add(node)
      this.#take(node, { report: parseReport(report), heardAt: now, until: now + Number(forMs) }, askedAt)
    }
    for (const [node, { until }] of this.#known) if (!listed.has(node) && until <= now) this.#known.delete(node)
    for (const [node, leftAt] of this.#left) if (leftAt <= askedAt) this.#left.delete(node)
    this.#doubtUntil = doubtForMs === 0 ? -Infinity : now + doubtForMs
    this.#tell()
  }

  /** @param report as the log's `acks` carry it */
  hear(node: string, report: string): void {
    if (report === 'left') this.#forget(node)
    else this.#hear(node, parseReport(report))
    this.#tell()
  }

  #forget(node: string): void {
    this.#known.delete(node)
    this.#left.set(node, this.#clock.now())
  }

  /** What this process itself has applied. */
  applied(generation: string, position: number): void {
    this.#setSelf({ generation, position, lease: this.#lease })
    this.#tell()
  }

  list(): readonly LogNode[] {
    return [...this.#known].map(([id, { report }]) => ({ id, position: report.position }))
  }

  /** Who is expected to follow a record, and how many say that they do. Whoever is silent for two leases is not. */
  following({ generation, position, at }: Logged): Receipt['nodes'] {
    const now = this.#clock.now()
    const behind = this.#behind(generation, position)
    const awaited = behind.filter(({ lease }) => now - at < 2 * Math.max(lease, this.#lease))
    const acked = this.#known.size - behind.length
    const unlisted = now < this.#doubtUntil ? 1 : 0
    return { expected: acked + awaited.length + unlisted, acked }
  }

  /**
   * After so many ms from now, silence alone may change what `following` says of a record. Never longer than a lease, as a
   * node that says nothing may also leave the list.
   */
  silenceMs({ generation, position, at }: Logged): number {
    const now = this.#clock.now()
    const ends = this.#behind(generation, position).map(({ lease }) => at + 2 * Math.max(lease, this.#lease))
    return Math.min(this.#lease, ...[...ends, this.#doubtUntil].filter((end) => end > now).map((end) => end - now))
  }

  /**
   * Calls it whenever `following` may say more than before, other than for the time that has passed: very many may wait for
   * one node that is silent, while the others report all the time.
   * @returns takes the listener off again
   */
  onChange(listener: () => void): () => void {
    this.#changed.add(listener)
    return () => void this.#changed.delete(listener)
  }

  #behind(generation: string, position: number): Report[] {
    return this.#reports().filter((report) => report.generation !== generation || report.position < position)
  }

  #reports(): Report[] {
    return [...this.#known.values()].map(({ report }) => report)
  }

  #hear(node: string, report: Report): void {
    const now = this.#clock.now()
    const lease = Math.max(report.lease, this.#lease)
    this.#take(node, { report, heardAt: now, until: now + FORGOTTEN_AFTER_LEASES * lease }, -Infinity)
  }

  /** Reports may come late, and along two ways: a node does not go back within a generation, unless the log did. */
  #take(node: string, next: Known, askedAt: number): void {
    if (node === this.#self) return // known at first hand
    const known = this.#known.get(node)
    const isLate =
      known !== undefined &&
      known.heardAt > askedAt &&
      known.report.generation === next.report.generation &&
      known.report.position > next.report.position
    if (!isLate) this.#known.set(node, next)
  }

  #setSelf(report: Report): void {
    this.#known.set(this.#self, { report, heardAt: this.#clock.now(), until: Infinity })
  }

  #tell(): void {
    const slowest = this.#slowest
    if (slowest === this.#slowestTold) return
    this.#slowestTold = slowest
    for (const listener of this.#changed) listener()
  }

  /** How far all have come in one generation, if they are, and whether that is all of them. */
  get #slowest(): string {
    const reports = this.#reports()
    const generations = new Set(reports.map(({ generation }) => generation))
    const reached = Math.min(...reports.map(({ position }) => position))
    const isDoubtful = this.#doubtUntil > -Infinity
    return `${isDoubtful} ${generations.size === 1 ? `${[...generations].join()} ${reached}` : ''}`
  }
}

/** `generation position lease`; anything else says nothing. */
function parseReport(text: string): Report {
  const [generation = '', position = '', lease = ''] = text.split(' ')
  if (!/^\d{1,15}$/.test(position) || !/^\d{1,15}$/.test(lease)) return NOTHING
  return { generation, position: Number(position), lease: Number(lease) }
}
