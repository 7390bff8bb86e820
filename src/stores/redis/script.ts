import { hash } from 'node:crypto'
import type { RedisClient } from './connection.ts'

/** A script that Redis runs as one step. Sent by its digest; its text follows if Redis does not know it. */
export class RedisScript {
  readonly #lua: string
  readonly #digest: string

  constructor(lua: string) {
    this.#lua = lua
    this.#digest = hash('sha1', lua)
  }

  /** @throws the error reply, or that of the connection */
  async run(client: RedisClient, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    try {
      return await client.evalsha(this.#digest, keys.length, ...keys, ...args)
    } catch (error) {
      if (!isUnknown(error)) throw error
      return client.eval(this.#lua, keys.length, ...keys, ...args)
    }
  }
}

const isUnknown = (error: unknown): boolean => error instanceof Error && error.message.startsWith('NOSCRIPT')
