/** What is to go wrong with one operation: a pure function of the rules, the time and random numbers. */
import type { Clock } from '../model.ts'

/** How often, and how, operations of one tier or origin go wrong. Shares are from 0 to 1. */
export interface ChaosRules {
  /** Share of operations that fail. */
  readonly errorRate: number
  /** Added delay of answers, in milliseconds; both ends included. */
  readonly delay: DelayRange
  /** Share of damaged answers among those that do not fail. */
  readonly corruption: number
  readonly partition?: Partition | undefined
}

export interface DelayRange {
  readonly min: number
  readonly max: number
}

/** Out of reach for the last `for` of each period of `every`, both in milliseconds. */
export interface Partition {
  readonly every: number
  readonly for: number
}

export interface Fate {
  readonly fault: 'none' | 'error' | 'corruption' | 'partition'
  readonly delayMs: number
  /** From 0 to 1, 1 excluded: selects one of several ways to go wrong. */
  readonly way: number
}

/** A random number from 0 to 1, 1 excluded, for each thing that is left to chance. */
export interface Draws {
  readonly error: number
  readonly corruption: number
  readonly delay: number
  readonly way: number
}

/** @param elapsedMs since the rules took effect */
export function fateOf(rules: ChaosRules, elapsedMs: number, draws: Draws): Fate {
  const { min, max } = rules.delay
  return {
    fault: faultOf(rules, elapsedMs, draws),
    delayMs: min + (max - min) * draws.delay,
    way: draws.way,
  }
}

function faultOf(rules: ChaosRules, elapsedMs: number, draws: Draws): Fate['fault'] {
  if (isPartitioned(rules, elapsedMs)) return 'partition'
  if (draws.error < rules.errorRate) return 'error'
  return draws.corruption < rules.corruption ? 'corruption' : 'none'
}

function isPartitioned({ partition }: ChaosRules, elapsedMs: number): boolean {
  if (partition === undefined) return false
  return elapsedMs % partition.every >= partition.every - partition.for
}

/** Deals out fates, one for each operation. */
export interface Fates {
  next(): Fate
  /** Whether it is out of reach at present. */
  partitioned(): boolean
}

export function createFates(rules: ChaosRules, clock: Clock, random: () => number): Fates {
  const since = clock.now()
  const draw = (): Draws => ({ error: random(), corruption: random(), delay: random(), way: random() })
  return {
    next: () => fateOf(rules, clock.now() - since, draw()),
    partitioned: () => isPartitioned(rules, clock.now() - since),
  }
}
