import type { Clock, LogNode, Receipt } from '../../model.ts'

/** How far a node has come, by its own account. */
interface Report {
  readonly generation: string
  readonly position: number
  /** The node's lease, in ms: after two of them it cannot use anything older. */
  readonly lease: number
}

/** A record's place in the log, and when it was logged. */
export interface Logged {
  readonly generation: string
  readonly position: number
  readonly at: number
}

/** What Redis knows of the nodes. */
export interface Listing {
  /** Flat triples: node, report, and for how many more ms it stays listed if it reports nothing. */
  readonly nodes: readonly string[]
  /** For how many ms the list may lack nodes. */
  readonly doubtForMs: number
}

/** How a list was requested. */
interface Asked {
  /** When: earlier reports may be about a log that has been set back since. */
  readonly askedAt: number
  /** The log was out of reach before. Others may not have been able to report either, and be missing from the list. */
  readonly wasOutOfReach: boolean
}

/** After this many leases of silence a node is no longer listed. */
export const FORGOTTEN_AFTER_LEASES = 12

const NOTHING: Report = { generation: '', position: 0, lease: 0 }

interface Known {
  readonly report: Report
  readonly receivedAt: number
  /** Until then it should be listed even if it reports nothing more: a list that lacks it has lost it. */
  readonly until: number
  /** It was given extra time to come back, which happens once until it is listed again. */
  readonly isExpected?: true
}

/** The nodes that share the log, how far each has come, and which of them a record still waits for. */
export class LiveNodes {
  readonly #self: string
  readonly #lease: number
  readonly #clock: Clock
  readonly #known = new Map<string, Known>()
  /** Nodes that have left, with the time when this was learned: a list requested earlier may still name them. */
  readonly #left = new Map<string, number>()
  readonly #listeners = new Set<() => void>()
  #lastSlowest = ''
  /** Until then the list may lack nodes. */
  #doubtUntil = -Infinity

  constructor(self: string, lease: number, clock: Clock) {
    this.#self = self
    this.#lease = lease
    this.#clock = clock
    this.#setSelf(NOTHING)
  }

  /**
   * Takes over the list that Redis has. A list that was lost, or comes from an older dump, lacks the nodes that have
   * not come back yet.
   */
  replace({ nodes, doubtForMs }: Listing, { askedAt, wasOutOfReach }: Asked): void {
    if (wasOutOfReach) this.#expectAll()
    const now = this.#clock.now()
    const listed = new Set<string>()
    for (let at = 0; at + 2 < nodes.length; at += 3) {
      const [node = '', report = '', forMs = ''] = nodes.slice(at, at + 3)
      if ((this.#left.get(node) ?? -Infinity) > askedAt) continue
      listed.add(node)
      this.#update(node, { report: parseReport(report), receivedAt: now, until: now + Number(forMs) }, askedAt)
    }
    for (const [node, { until }] of this.#known) if (!listed.has(node) && until <= now) this.#known.delete(node)
    for (const [node, leftAt] of this.#left) if (leftAt <= askedAt) this.#left.delete(node)
    this.#doubtUntil = doubtForMs === 0 ? -Infinity : now + doubtForMs
    this.#notify()
  }

  /** Gives the known nodes time to come back, as much as they have after a report. */
  #expectAll(): void {
    const until = this.#clock.now() + FORGOTTEN_AFTER_LEASES * this.#lease
    for (const [node, known] of this.#known) {
      if (known.isExpected) continue
      this.#known.set(node, { ...known, until: Math.max(known.until, until), isExpected: true })
    }
  }

  /** @param report in the form that the log's `acks` carry */
  receive(node: string, report: string): void {
    if (report === 'left') this.#forget(node)
    else this.#note(node, parseReport(report))
    this.#notify()
  }

  #forget(node: string): void {
    this.#known.delete(node)
    this.#left.set(node, this.#clock.now())
  }

  /** Notes what this process itself has applied. */
  applied(generation: string, position: number): void {
    this.#setSelf({ generation, position, lease: this.#lease })
    this.#notify()
  }

  list(): readonly LogNode[] {
    return [...this.#known].map(([id, { report }]) => ({ id, position: report.position }))
  }

  /**
   * How many nodes are expected to follow a record, and how many say they do. Two leases after it was logged, a node
   * that has not said so is no longer expected.
   */
  following({ generation, position, at }: Logged): Receipt['nodes'] {
    const now = this.#clock.now()
    const behind = this.#behind(generation, position)
    const awaited = behind.filter(({ lease }) => now - at < 2 * Math.max(lease, this.#lease))
    const acked = this.#known.size - behind.length
    const unlisted = now < this.#doubtUntil ? 1 : 0
    return { expected: acked + awaited.length + unlisted, acked }
  }

  /**
   * In how many ms silence alone may change what `following` says of a record. At most a lease, as a silent node may
   * also drop off the list.
   */
  silenceMs({ generation, position, at }: Logged): number {
    const now = this.#clock.now()
    const ends = this.#behind(generation, position).map(({ lease }) => at + 2 * Math.max(lease, this.#lease))
    return Math.min(this.#lease, ...[...ends, this.#doubtUntil].filter((end) => end > now).map((end) => end - now))
  }

  /**
   * Calls the listener when `following` may have changed other than by the passing of time. Not for every report: very
   * many records may wait for one silent node while the others keep reporting.
   * @returns a function that removes the listener
   */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #behind(generation: string, position: number): Report[] {
    return this.#reports().filter((report) => report.generation !== generation || report.position < position)
  }

  #reports(): Report[] {
    return [...this.#known.values()].map(({ report }) => report)
  }

  #note(node: string, report: Report): void {
    const now = this.#clock.now()
    const lease = Math.max(report.lease, this.#lease)
    this.#update(node, { report, receivedAt: now, until: now + FORGOTTEN_AFTER_LEASES * lease }, -Infinity)
  }

  /**
   * Reports may arrive late and over two paths: within a generation a node does not go back, unless the log did. And a
   * list may name a node that has not reported since the log was out of reach, which then has less time left there.
   */
  #update(node: string, next: Known, askedAt: number): void {
    if (node === this.#self) return // known first-hand
    const known = this.#known.get(node)
    const isLate =
      known !== undefined &&
      known.receivedAt > askedAt &&
      known.report.generation === next.report.generation &&
      known.report.position > next.report.position
    if (isLate) return
    this.#known.set(node, { ...next, until: Math.max(next.until, known?.until ?? -Infinity) })
  }

  #setSelf(report: Report): void {
    this.#known.set(this.#self, { report, receivedAt: this.#clock.now(), until: Infinity })
  }

  #notify(): void {
    const slowest = this.#slowest
    if (slowest === this.#lastSlowest) return
    this.#lastSlowest = slowest
    for (const listener of this.#listeners) listener()
  }

  /** The position that all nodes have reached, if they are in one generation, and whether the list may lack nodes. */
  get #slowest(): string {
    const reports = this.#reports()
    const generations = new Set(reports.map(({ generation }) => generation))
    const reached = Math.min(...reports.map(({ position }) => position))
    const isDoubtful = this.#doubtUntil > -Infinity
    return `${isDoubtful} ${generations.size === 1 ? `${[...generations].join()} ${reached}` : ''}`
  }
}

/** `generation position lease`; anything else is read as `NOTHING`. */
function parseReport(text: string): Report {
  const [generation = '', position = '', lease = ''] = text.split(' ')
  if (!/^\d{1,15}$/.test(position) || !/^\d{1,15}$/.test(lease)) return NOTHING
  return { generation, position: Number(position), lease: Number(lease) }
}
