/** Defines a fuzz target, and how it reports violations. */

export interface Target {
  readonly name: string
  /** Files whose parsing it exercises. */
  readonly covers: readonly string[]
  readonly dictionary: readonly string[]
  /** Valid inputs to start with. */
  readonly seeds: readonly string[]
  /** In octets: the longest input the parser can get. */
  readonly maxLength: number
  /**
   * Parses the input and checks what must hold.
   * @returns a short word for the outcome: inputs with a new outcome are kept
   * @throws Violation, or whatever the parser throws although it must not
   */
  readonly run: (input: string) => string
}

/** Maximum size of a request's head on the data port, and of a response's head from an origin. */
export const REQUEST_HEAD = 16 * 1024
export const RESPONSE_HEAD = 64 * 1024

/** A rule is broken. */
export class Violation extends Error {
  /** @param rule the rule that must hold */
  constructor(rule: string, details: unknown[]) {
    super(`${rule}: ${details.map((detail) => JSON.stringify(detail)?.slice(0, 400)).join(' | ')}`)
    this.name = rule
  }
}

/** @param details shown if the rule is broken */
export function must(rule: string, holds: boolean, ...details: unknown[]): void {
  if (!holds) throw new Violation(rule, details)
}

/** Compares as JSON, in which Infinity, and undefined in an array, are null. */
export function mustEqual(rule: string, one: unknown, other: unknown, ...details: unknown[]): void {
  if (one === other) return
  const [left, right] = [JSON.stringify(one), JSON.stringify(other)]
  if (left !== right) throw new Violation(rule, [one, other, ...details])
}
