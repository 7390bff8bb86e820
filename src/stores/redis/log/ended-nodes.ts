import type { Clock } from '../../../model.ts'
import type { LiveNodes } from '../../log/live-nodes.ts'
import type { RedisLogCalls } from './log-calls.ts'

export interface EndedNodesParts {
  readonly calls: Pick<RedisLogCalls, 'remove' | 'forgottenAfter'>
  readonly nodes: Pick<LiveNodes, 'receive' | 'list'>
  readonly clock: Clock
}

/**
 * Nodes that did not take themselves off the list, but whose processes have certainly ended: nothing is used there any
 * more, and nobody need wait for them. They are removed whenever they are listed: the last report of a node may arrive
 * after it has ended, and Redis may have been out of reach when it did.
 */
export class EndedNodes {
  readonly #parts: EndedNodesParts
  /** When each node was reported to have ended. */
  readonly #since = new Map<string, number>()

  constructor(parts: EndedNodesParts) {
    this.#parts = parts
  }

  add(node: string): void {
    const { nodes, clock } = this.#parts
    this.#since.set(node, clock.now())
    nodes.receive(node, 'left')
    this.#remove(node)
  }

  /** Removes those that are listed again. */
  removeListed(): void {
    const { calls, nodes, clock } = this.#parts
    const listed = nodes.list().filter(({ id }) => this.#since.has(id))
    for (const { id } of listed) this.#remove(id)
    for (const [node, since] of this.#since) {
      if (clock.now() - since >= calls.forgottenAfter) this.#since.delete(node)
    }
  }

  #remove(node: string): void {
    this.#parts.calls.remove(node).catch(() => {}) // tried again as long as it is listed
  }
}
