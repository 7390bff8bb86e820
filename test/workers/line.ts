import { Calls, type Message } from '../../src/workers/calls.ts'

export interface Line<Left, Right> {
  /** The end that handles calls to `Left` and makes calls to `Right`. */
  readonly left: Calls<Right, Left>
  readonly right: Calls<Left, Right>
  /** While it is down nothing arrives; messages sent then arrive when it is up again. */
  down(isDown: boolean): void
}

/** A connection as between two processes, but within one: messages are copied and arrive later, in order. */
export function line<Left, Right>(left: Left, right: Right): Line<Left, Right> {
  let isDown = false
  const held: (() => void)[] = []
  const deliver = (message: Message, to: () => { receive(message: Message): void }) => {
    const copy = structuredClone(message)
    const arrive = () => to().receive(copy)
    queueMicrotask(() => (isDown ? held.push(arrive) : arrive()))
  }
  const ends = {
    left: new Calls<Right, Left>((message) => deliver(message, () => ends.right), left),
    right: new Calls<Left, Right>((message) => deliver(message, () => ends.left), right),
  }
  return {
    ...ends,
    down(state) {
      isDown = state
      if (!state) for (const arrive of held.splice(0)) arrive()
    },
  }
}
