import type { Server } from 'node:http'
import { HerdgateError } from '../errors.ts'
import { refuse } from './lingering-close.ts'

/**
 * CONNECT is answered 405: nothing here is a tunnel. Left to itself node:http hangs up without a word; and where somebody
 * listens for it, it has no limits of its own for the connection any more.
 */
export function refuseConnect(server: Server): void {
  server.on('connect', ({ socket }) => {
    socket.on('error', () => socket.destroy()) // node:http has taken its own listener off
    refuse(socket, new HerdgateError('method_not_allowed'))
  })
}
