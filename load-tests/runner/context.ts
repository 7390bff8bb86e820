import { AsyncLocalStorage } from 'node:async_hooks'
import { Agent } from 'undici'
import type { Tags } from './registry.ts'

/** A virtual user, with connections of its own as in k6. */
export interface User {
  /** From 1. */
  readonly id: number
  readonly connections: Agent
}

/** The iteration in progress. */
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

/** @throws outside setup, teardown and iterations */
export function currentTurn(): Turn {
  const turn = turns.getStore()
  if (turn === undefined) throw new Error('only setup, teardown and iterations may do this')
  return turn
}

/** Tags of what is recorded now. */
export function currentTags(): Tags {
  const turn = turns.getStore()
  return turn === undefined ? {} : { scenario: turn.scenario }
}
