import type { ChildProcess } from 'node:child_process'

interface Handle {
  close(): void
}

/**
 * A connection that node:cluster hands to a process which ends before it has taken it would stay open for good, and its
 * client would wait for ever. There is at most one, the last: it is closed with the process. Closing it a second time
 * does nothing.
 * @param handed called for each connection
 */
export function watchHandedConnections(child: ChildProcess, handed: () => void): void {
  const send = child.send.bind(child)
  let last: Handle | undefined
  const watched = (...given: readonly unknown[]): boolean => {
    if (isHandle(given[1])) {
      last = given[1]
      handed()
    }
    return Reflect.apply(send, undefined, given)
  }
  child.send = watched
  child.once('exit', () => last?.close())
}

const isHandle = (given: unknown): given is Handle =>
  typeof given === 'object' && given !== null && 'close' in given && typeof given.close === 'function'
