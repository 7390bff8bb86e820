import { AsyncLocalStorage } from 'node:async_hooks'
import { Agent } from 'undici'
import type { Tags } from './registry.ts'

/** A virtual user, who has connections of their own as a k6 one has. */
export interface User {
  /** From 1. */
  readonly id: number
  readonly connections: Agent
}

/** Whose turn it is. */
export interface Turn {
  readonly user: User
  readonly scenario: string
  /** From 0, over all users of the scenario. */
  readonly iteration: number
}

const turns = new AsyncLocalStorage<Turn>()
let users = 0

export function createUser(): User {
  return { id: ++users, connections: new Agent({ connections: 8, headersTimeout: 0, bodyTimeout: 0 }) }
}

export const during = <T>(turn: Turn, run: () => T): T => turns.run(turn, run)

/** @throws outside of setup, teardown and iterations */
export function currentTurn(): Turn {
  const turn = turns.getStore()
  if (turn === undefined) throw new Error('only setup, teardown and iterations may do this')
  return turn
}

/** Tags of whatever is recorded now. */
export function currentTags(): Tags {
  const turn = turns.getStore()
  return turn === undefined ? {} : { scenario: turn.scenario }
}
