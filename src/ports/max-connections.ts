import type { Server } from 'node:http'
import type { EventPayloads } from '../events.ts'
import type { Clock, ProcessPressure } from '../model.ts'

/** So many are accepted although memory is exhausted: what is stored is still answered, whoever has taken the memory. */
export const MIN_CONNECTIONS = 64
/** How many more each second while everything is served all the same: what malloc keeps it may keep for good. */
const MORE_PER_SECOND = 64
/** Time since the last arrival counts up to this: whether memory was exhausted meanwhile nobody has looked. */
const MOST_UNSEEN_MS = 1_000

/** @param reason why a connection was closed */
export type OnRefusedConnection = (reason: EventPayloads['refusedConnection']['reason']) => void

export interface ConnectionBounds {
  readonly maxConnections: number
  readonly pressure: ProcessPressure
  /** How many are open. */
  readonly open: () => number
  readonly clock: Pick<Clock, 'now'>
  readonly onRefused: OnRefusedConnection
}

/**
 * Closes connections beyond the limit as they arrive. While memory is exhausted, the limit is what was open when the
 * first came: each further one would take memory before any request of it could be refused. Node reads the limit with
 * each connection, before it makes a socket of it.
 */
export function boundConnections(server: Server, bounds: ConnectionBounds): void {
  const { maxConnections, pressure, open, clock, onRefused } = bounds
  let first: { readonly open: number; more: number; seenAt: number } | undefined
  const limit = (): number => {
    if (!pressure.exhausted) {
      first = undefined
      return maxConnections
    }
    const now = clock.now()
    first ??= { open: Math.max(open(), MIN_CONNECTIONS), more: 0, seenAt: now }
    if (!pressure.high) first.more += (Math.min(now - first.seenAt, MOST_UNSEEN_MS) / 1000) * MORE_PER_SECOND
    first.seenAt = now
    return Math.min(maxConnections, first.open + (pressure.high ? 0 : Math.floor(first.more)))
  }
  Object.defineProperty(server, 'maxConnections', { get: limit })
  server.on('drop', () => onRefused(limit() < maxConnections ? 'memory' : 'limit'))
}
