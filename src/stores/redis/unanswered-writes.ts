import type { RedisCommand } from './commands.ts'

/** One more is admitted as long as both number and bytes are below their limits. */
const MAX_WRITES = 1_000
const MAX_WRITE_BYTES = 16 * 2 ** 20

/** Counts the writes that await an answer, as each holds its octets in memory until then. */
export class UnansweredWrites {
  #writes = 0
  #bytes = 0

  get hasRoom(): boolean {
    return this.#writes < MAX_WRITES && this.#bytes < MAX_WRITE_BYTES
  }

  /** The first of the commands, as many as there is room for, but at least one. They are to be released. */
  admit(commands: readonly RedisCommand[]): readonly RedisCommand[] {
    const admitted: RedisCommand[] = []
    for (const command of commands) {
      if (admitted.length > 0 && !this.hasRoom) break
      admitted.push(command)
      this.#writes++
      this.#bytes += bytesOf(command)
    }
    return admitted
  }

  /** Once it is answered, however late. */
  release(command: RedisCommand): void {
    this.#writes--
    this.#bytes -= bytesOf(command)
  }
}

const bytesOf = (command: RedisCommand): number => (command.name === 'write' ? command.octets.length : 0)
