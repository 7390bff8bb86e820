import { type Client, createClient, type RequestOutcome } from './client.ts'
import { type FleetOptions, startFleet } from './fleet.ts'
import { isHit, isRight, judge } from './judge.ts'
import type { Pattern } from './patterns.ts'
import { chance } from './random.ts'
import type { PatternResult } from './results.ts'

export interface RunOptions extends Pick<FleetOptions, 'nodes' | 'origin' | 'redis' | 'seed'> {
  /** For a pattern whose share is 1. */
  readonly requests: number
}

/** Starts a fleet and drives it by a pattern. */
export async function run(pattern: Pattern, options: RunOptions): Promise<PatternResult> {
  const { name, memory, memoryErrorRate, originErrorRate, concurrency } = pattern
  const key = `${name}-${process.pid}`
  await using fleet = await startFleet({ ...options, name: key, memory, memoryErrorRate, originErrorRate })
  await using client = createClient(concurrency)
  const fetchesBefore = await fetchesOf(options.origin)
  const outcomes = await drive(pattern, options, client, fleet.urls)
  const readings = await fleet.readings()
  const originRequests = (await fetchesOf(options.origin)) - fetchesBefore
  return {
    pattern: name,
    ...tally(outcomes, originErrorRate > 0 && readings.failedFetches > 0),
    originRequests,
    ...readings,
  }
}

async function drive(pattern: Pattern, options: RunOptions, client: Client, nodes: readonly string[]) {
  const total = Math.max(1, Math.round(options.requests * pattern.share))
  const random = chance(options.seed)
  const outcomes: JudgeableOutcome[] = []
  const copies = new Set<string>()
  let turn = 0
  const worker = async (until: number): Promise<void> => {
    while (turn < until) {
      const target = pattern.target(turn++, random)
      const node = nodes[Math.floor(random() * nodes.length)] ?? ''
      const copy = `${node} ${target.path}`
      const hadCopy = copies.has(copy)
      const outcome = await client.ask(node, target)
      if (isRight(outcome.ending)) copies.add(copy)
      outcomes.push({ ...outcome, hadCopy })
    }
  }
  const { concurrency, wave = total } = pattern
  for (let from = 0; from < total; from += wave) {
    const until = Math.min(from + wave, total)
    await Promise.all(Array.from({ length: concurrency }, () => worker(until)))
  }
  return outcomes
}

interface JudgeableOutcome extends RequestOutcome {
  readonly hadCopy: boolean
}

function tally(outcomes: readonly JudgeableOutcome[], originFails: boolean) {
  const judged = outcomes.map((outcome) => ({
    ...outcome,
    judgement: judge(outcome.ending, { originFails, hadCopy: outcome.hadCopy }),
  }))
  const right = judged.filter(({ judgement }) => judgement === 'right')
  const wrong = judged.filter(({ judgement }) => judgement === 'wrong')
  return {
    requests: outcomes.length,
    wrong: wrong.length,
    wrongs: [...new Set(wrong.map(describe))].slice(0, 5),
    explained: judged.filter(({ judgement }) => judgement === 'explained').length,
    hits: right.filter(({ ending }) => isHit(ending)).length,
    ms: right.map(({ ms }) => Math.round(ms * 1_000) / 1_000),
  }
}

function describe({ ending, hadCopy }: JudgeableOutcome): string {
  if (ending.kind === 'unanswered') return ending.why
  const { status, isComplete, isCorrect, cacheStatus } = ending
  const content = `${isComplete ? 'whole' : 'broken off'}, content ${isCorrect ? 'true' : 'not true'}`
  return `${status}, ${content}, ${hadCopy ? 'with' : 'without'} a copy, ${cacheStatus}`
}

const fetchesOf = async (origin: string): Promise<number> => Number(await (await fetch(`${origin}/requests`)).text())
