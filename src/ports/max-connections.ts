import type { Server } from 'node:http'
import type { ProcessPressure } from '../model.ts'

/** So many are accepted although memory is exhausted: what is stored is still answered, whoever has taken the memory. */
export const MIN_CONNECTIONS = 64

export interface ConnectionBounds {
  readonly maxConnections: number
  readonly pressure: Pick<ProcessPressure, 'exhausted'>
  /** How many are open. */
  readonly open: () => number
}

/**
 * Closes connections beyond the limit as they arrive. While memory is exhausted, the limit is what was open when the
 * first came: each further one would take memory before any request of it could be refused. Node reads the limit with
 * each connection, before it makes a socket of it.
 */
export function boundConnections(server: Server, { maxConnections, pressure, open }: ConnectionBounds): void {
  let whenExhausted: number | undefined
  const limit = (): number => {
    whenExhausted = pressure.exhausted ? (whenExhausted ?? Math.max(open(), MIN_CONNECTIONS)) : undefined
    return Math.min(maxConnections, whenExhausted ?? maxConnections)
  }
  Object.defineProperty(server, 'maxConnections', { get: limit })
}
