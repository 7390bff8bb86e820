/** What a fuzz target is, and how it says that something is wrong. */

export interface Target {
  readonly name: string
  /** The files whose parsing it exercises. */
  readonly covers: readonly string[]
  readonly dictionary: readonly string[]
  /** Valid inputs to begin with. */
  readonly seeds: readonly string[]
  /** In octets: what the parser can be given at most. */
  readonly maxLength: number
  /**
   * Parses the input and checks what must hold.
   * @returns a short word for the outcome: inputs with a new one are kept
   * @throws Violation, or whatever the parser throws, which it must not
   */
  readonly run: (input: string) => string
}

/** Limits of a request's head at the data port, and of a response's head at the origin. */
export const REQUEST_HEAD = 16 * 1024
export const RESPONSE_HEAD = 64 * 1024

/** Something that must hold does not. */
export class Violation extends Error {
  /** @param rule what must hold */
  constructor(rule: string, details: unknown[]) {
    super(`${rule}: ${details.map((detail) => JSON.stringify(detail)?.slice(0, 400)).join(' | ')}`)
    this.name = rule
  }
}

/** @param details shown when the rule is broken */
export function must(rule: string, holds: boolean, ...details: unknown[]): void {
  if (!holds) throw new Violation(rule, details)
}

/** Compared as JSON, in which Infinity and undefined in a list are null. */
export function mustEqual(rule: string, one: unknown, other: unknown, ...details: unknown[]): void {
  if (one === other) return
  const [left, right] = [JSON.stringify(one), JSON.stringify(other)]
  if (left !== right) throw new Violation(rule, [one, other, ...details])
}
