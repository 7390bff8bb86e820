/** The few commands of the Redis store, many at once in one round trip. */
import type { ChainableCommander, Cluster, Redis } from 'ioredis'
import type { RedisClient } from './connection.ts'

export type RedisCommand =
  /** At most `mostBytes` octets of what is there: others may have put anything there. */
  | { readonly name: 'read'; readonly key: string; readonly mostBytes: number }
  | { readonly name: 'write'; readonly key: string; readonly octets: Buffer; readonly expireMs: number }
  | { readonly name: 'remove'; readonly key: string }

/** The reply to one command; the `value` of a read is empty where there is nothing. */
export type RedisReply = { readonly value: unknown } | { readonly error: Error }

/** Sends them together. Replies are in the order of the commands, and none of them rejects. */
export function sendAll(client: RedisClient, commands: readonly RedisCommand[]): Promise<RedisReply>[] {
  // In a cluster each key has its server, and each command follows redirections on its own.
  if (client.isCluster || commands.length < 2) return commands.map((command) => send(client, command))
  const pipeline = client.pipeline()
  for (const command of commands) void put(pipeline, command)
  const replies = pipeline.exec().then(
    (all) => commands.map((_, at) => replyOf(all?.[at] ?? NO_REPLY)),
    (thrown: unknown) => commands.map(() => ({ error: asError(thrown) })),
  )
  return commands.map(async (_, at) => (await replies)[at] ?? replyOf(NO_REPLY))
}

async function send(client: RedisClient, command: RedisCommand): Promise<RedisReply> {
  try {
    return { value: await put(client, command) }
  } catch (thrown) {
    return { error: asError(thrown) }
  }
}

function put(to: Redis | Cluster | ChainableCommander, command: RedisCommand): unknown {
  switch (command.name) {
    case 'read':
      return to.getrangeBuffer(command.key, 0, command.mostBytes - 1)
    case 'write':
      return to.set(command.key, command.octets, 'PX', command.expireMs)
    case 'remove':
      return to.unlink(command.key)
  }
}

const NO_REPLY: [Error, unknown] = [new Error('no reply'), undefined]

const replyOf = ([error, value]: [error: Error | null, value: unknown]): RedisReply =>
  error === null ? { value } : { error }

const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)))
