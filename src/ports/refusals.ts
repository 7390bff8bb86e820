/** Answers that a port gives by itself, before anybody is asked: to what is no request, and to one too many. */
import type { IncomingMessage } from 'node:http'
import type { HerdgateError } from '../errors.ts'
import type { Events } from '../events.ts'
import { problemLength } from '../problem.ts'
import type { HttpSocket } from './connections.ts'

/** @param message absent where no head could be read */
export type Refused = (error: HerdgateError, socket: HttpSocket, message?: IncomingMessage) => void

export const UNTOLD: Refused = () => {}

/** They are answered requests like any other. */
export function tellRefusals(events: Events): Refused {
  return (error, { remoteAddress }, message) =>
    events.emit('request', {
      route: '',
      method: message?.method ?? '',
      url: '',
      head: { fields: message?.rawHeaders ?? [] },
      status: error.status,
      outcome: { result: error.code === 'overloaded' ? 'shed' : 'error', detail: error.code },
      bytes: problemLength(error),
      firstByteMs: 0,
      totalMs: 0,
      aborted: false,
      peer: remoteAddress,
    })
}
