import type { ChildProcess } from 'node:child_process'

interface Handle {
  close(): void
}

/** A connection, and the message it goes with. */
interface Handed {
  readonly connection: Handle
  readonly message: unknown
}

/**
 * Closes connections that a process is handed and cannot take: it ends before it has, or it has no file descriptor
 * free. Such a connection would stay open for good, and its client would wait for ever. There is at most one, the last:
 * node:cluster waits for it to be taken before it hands over the next.
 * @param handed called for each connection
 */
export function watchHandedConnections(child: ChildProcess, handed: () => void): void {
  const send = child.send.bind(child)
  let last: Handed | undefined
  const watched = (...given: readonly unknown[]): boolean => {
    const [message, connection] = given
    if (isHandle(connection)) {
      last = { connection, message }
      handed()
    }
    return Reflect.apply(send, undefined, given)
  }
  child.send = watched
  child.on('internalMessage', (answer: unknown) => {
    if (last === undefined) return
    if (hasArrivedWithout(answer)) child.emit('internalMessage', takenFor(last.message))
    else if (isAnswerTo(last.message, answer)) last = undefined
  })
  child.once('exit', () => last?.connection.close()) // does nothing if it was taken
}

const isHandle = (given: unknown): given is Handle =>
  typeof given === 'object' && given !== null && 'close' in given && typeof given.close === 'function'

/** Whether the process has received a message but, for want of a file descriptor, not the connection with it. */
const hasArrivedWithout = (answer: unknown): boolean =>
  typeof answer === 'object' && answer !== null && 'cmd' in answer && answer.cmd === 'NODE_HANDLE_NACK'

/** It has taken the connection, or refused it: then that is another's. */
const isAnswerTo = (message: unknown, answer: unknown): boolean =>
  typeof message === 'object' &&
  message !== null &&
  'seq' in message &&
  typeof answer === 'object' &&
  answer !== null &&
  'ack' in answer &&
  answer.ack === message.seq

/** What the process would have answered to the message: node:cluster then closes its side, and hands over the next. */
const takenFor = (message: unknown): object =>
  typeof message === 'object' && message !== null && 'cmd' in message && 'seq' in message
    ? { cmd: message.cmd, ack: message.seq, accepted: true }
    : {}
