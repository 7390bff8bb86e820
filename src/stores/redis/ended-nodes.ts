import type { Clock } from '../../model.ts'
import type { LiveNodes } from '../log/live-nodes.ts'
import type { RedisLogCalls } from './log-calls.ts'

export interface EndedNodesParts {
  readonly calls: Pick<RedisLogCalls, 'remove' | 'forgottenAfter'>
  readonly nodes: Pick<LiveNodes, 'hear' | 'list'>
  readonly clock: Clock
}

/**
 * Nodes that could not take themselves off the list, and whose processes have ended for certain: nothing is used there any
 * more, and nobody need wait for them. They are taken off as often as they stand there: what a node said last may arrive
 * after it has ended, and Redis may have been away when it did.
 */
export class EndedNodes {
  readonly #parts: EndedNodesParts
  /** By node, when that was told. */
  readonly #since = new Map<string, number>()

  constructor(parts: EndedNodesParts) {
    this.#parts = parts
  }

  add(node: string): void {
    const { nodes, clock } = this.#parts
    this.#since.set(node, clock.now())
    nodes.hear(node, 'left')
    this.#remove(node)
  }

  /** Those that stand on the list again. */
  removeListed(): void {
    const { calls, nodes, clock } = this.#parts
    const listed = nodes.list().filter(({ id }) => this.#since.has(id))
    for (const { id } of listed) this.#remove(id)
    for (const [node, since] of this.#since) {
      if (clock.now() - since >= calls.forgottenAfter) this.#since.delete(node)
    }
  }

  #remove(node: string): void {
    this.#parts.calls.remove(node).catch(() => {}) // as long as it is listed it is tried again
  }
}
