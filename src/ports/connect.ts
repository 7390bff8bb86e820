import type { Server } from 'node:http'
import { HerdgateError } from '../errors.ts'
import { rawProblem } from '../problem.ts'

/** CONNECT is answered 405: nothing here is a tunnel. Left to itself node:http hangs up without a word. */
export function refuseConnect(server: Server): void {
  server.on('connect', (_request, socket) => {
    socket.on('error', () => socket.destroy()) // node:http has taken its own listener off
    socket.end(rawProblem(new HerdgateError('method_not_allowed')))
  })
}
