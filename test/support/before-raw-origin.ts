/** The real command in front of a scripted raw origin; both are started before and stopped after each test. */
import net from 'node:net'
import { afterEach } from 'vitest'
import { type Herdgate, startHerdgate } from './herdgate.ts'
import { type RawOrigin, type RawRequest, rawOrigin } from './raw-origin.ts'

export let origin: RawOrigin
export let herdgate: Herdgate

export async function start(answer: (request: RawRequest) => void, flags: string[] = []): Promise<void> {
  origin = await rawOrigin(answer)
  await restart(flags)
}

/** Starts another in front of the same origin. */
export async function restart(flags: string[]): Promise<void> {
  herdgate = await startHerdgate(['--origin', origin.url, '--log-level', 'silent', ...flags])
}

afterEach(async () => {
  await herdgate.stop('SIGKILL')
  await origin.close()
})

export const port = () => Number(new URL(herdgate.url).port)

/** Sends octets, then FIN if `end`, and returns everything received until the connection closes. */
export async function exchange(octets: string, end = false, at = port()): Promise<string> {
  const socket = net.connect({ port: at, host: '127.0.0.1', allowHalfOpen: true })
  if (end) socket.end(octets)
  else socket.write(octets)
  return Buffer.concat(await socket.toArray()).toString('latin1')
}

/** Whether new connections are refused. */
export function refuses(): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = net.connect(port(), '127.0.0.1', () => {
    socket.destroy()
    resolve(false)
  })
  socket.once('error', () => resolve(true))
  return promise
}
