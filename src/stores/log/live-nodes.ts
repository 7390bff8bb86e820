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
  readonly generation: string
  /** Node and report in turns. */
  readonly nodes: readonly string[]
  /** For so long there may be nodes that are not listed. */
  readonly doubtForMs: number
}

/** Nodes that were silent for so many leases are no longer asked whether they follow. */
export const FORGOTTEN_AFTER_LEASES = 12

const NOTHING: Report = { generation: '', position: 0, lease: 0 }

/** Who shares the log, how far each has come, and whom a record still waits for. */
export class LiveNodes {
  readonly #self: string
  readonly #lease: number
  readonly #clock: Clock
  readonly #reports = new Map<string, Report>()
  readonly #changed = new Set<() => void>()
  /** Nodes that a list lacks because Redis lost it, and until when each may still be there. */
  readonly #lost = new Map<string, number>()
  #generation = ''
  /** Until then there may be nodes that the list lacks. */
  #doubtUntil = -Infinity

  constructor(self: string, lease: number, clock: Clock) {
    this.#self = self
    this.#lease = lease
    this.#clock = clock
    this.#reports.set(self, NOTHING)
  }

  /** Takes over the list that Redis has. One of another generation lacks whoever has not come back yet. */
  replace({ generation, nodes, doubtForMs }: Listing): void {
    const now = this.#clock.now()
    if (generation !== this.#generation) this.#missAll(now + FORGOTTEN_AFTER_LEASES * this.#lease)
    this.#generation = generation
    const listed = new Map<string, Report>()
    for (let at = 0; at + 1 < nodes.length; at += 2) listed.set(nodes[at] ?? '', parseReport(nodes[at + 1] ?? ''))
    for (const node of this.#reports.keys()) {
      const isLost = now < (this.#lost.get(node) ?? -Infinity)
      if (node !== this.#self && !listed.has(node) && !isLost) this.#forget(node)
    }
    for (const [node, report] of listed) {
      this.#lost.delete(node)
      this.#hear(node, report)
    }
    this.#doubtUntil = doubtForMs === 0 ? -Infinity : now + doubtForMs
    this.#tell()
  }

  #missAll(until: number): void {
    for (const node of this.#reports.keys()) {
      if (node !== this.#self && !this.#lost.has(node)) this.#lost.set(node, until)
    }
  }

  #forget(node: string): void {
    this.#reports.delete(node)
    this.#lost.delete(node)
  }

  /** @param report as the log's `acks` carry it */
  hear(node: string, report: string): void {
    if (report === 'left') this.#forget(node)
    else this.#hear(node, parseReport(report))
    this.#tell()
  }

  /** What this process itself has applied. */
  applied(generation: string, position: number): void {
    this.#reports.set(this.#self, { generation, position, lease: this.#lease })
    this.#tell()
  }

  list(): readonly LogNode[] {
    return [...this.#reports].map(([id, { position }]) => ({ id, position }))
  }

  /** Who is expected to follow a record, and how many say that they do. Whoever is silent for two leases is not. */
  following({ generation, position, at }: Logged): Receipt['nodes'] {
    const now = this.#clock.now()
    const behind = [...this.#reports.values()].filter(
      (report) => report.generation !== generation || report.position < position,
    )
    const awaited = behind.filter(({ lease }) => now - at < 2 * Math.max(lease, this.#lease))
    const acked = this.#reports.size - behind.length
    const unlisted = now < this.#doubtUntil ? 1 : 0
    return { expected: acked + awaited.length + unlisted, acked }
  }

  /** After so many ms from now, silence alone may change what `following` says. */
  get silenceMs(): number {
    const longest = Math.max(this.#lease, ...[...this.#reports.values()].map(({ lease }) => lease))
    return Math.max(2 * longest, this.#doubtUntil - this.#clock.now())
  }

  /** @returns takes the listener off again */
  onChange(listener: () => void): () => void {
    this.#changed.add(listener)
    return () => void this.#changed.delete(listener)
  }

  /** Reports may come late, and along two ways: a node does not go back within a generation. */
  #hear(node: string, report: Report): void {
    const known = this.#reports.get(node) ?? NOTHING
    if (node === this.#self) return // known at first hand
    if (known.generation === report.generation && known.position > report.position) return
    this.#reports.set(node, report)
  }

  #tell(): void {
    for (const listener of this.#changed) listener()
  }
}

/** `generation position lease`; anything else says nothing. */
function parseReport(text: string): Report {
  const [generation = '', position = '', lease = ''] = text.split(' ')
  if (!/^\d{1,15}$/.test(position) || !/^\d{1,15}$/.test(lease)) return NOTHING
  return { generation, position: Number(position), lease: Number(lease) }
}
