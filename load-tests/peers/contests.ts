/** Herdgate and each of the others one right after the other, in every scenario, again and again. */
import { alone } from './alone.ts'
import type { Pair, Results } from './results.ts'
import { type Round, type Scenario, SCENARIOS, WARM_TURNS } from './scenarios.ts'
import { OWN_HIT, type Peer, type Peers } from './servers.ts'

export interface Course {
  readonly peers: Peers
  readonly rounds: number
  /** @param turn from 1 to WARM_TURNS */
  readonly warm: (peer: Peer, scenario: Scenario, turn: number) => Promise<void>
  readonly measure: (peer: Peer, scenario: Scenario) => Promise<Round>
  readonly interrupted: AbortSignal
}

/** A server, and what it is asked for. */
interface Task {
  readonly peer: Peer
  readonly scenario: Scenario
}

/** Who stands beside Herdgate in a scenario, and by what name. */
interface Rival extends Task {
  readonly name: string
}

/** @returns what was measured, and who was left out from when on, as its answers were not what they should be */
export async function runContests(course: Course): Promise<{ results: Results; faults: string[] }> {
  const { peers, rounds, interrupted } = course
  const [herdgate] = peers
  const scenarios = SCENARIOS.filter((scenario) => rivalsIn(scenario, peers).length > 0)
  const results = new Map(scenarios.map((scenario) => [scenario.name, unmet(rivalsIn(scenario, peers))]))
  const faults = new Map<string, string>()

  for (let turn = 1; turn <= WARM_TURNS; turn += 1) {
    console.error(`warming up, ${turn} of ${WARM_TURNS}`)
    for (const scenario of scenarios) {
      for (const peer of peers.filter((each) => takesPart(each, scenario))) {
        await attempt({ peer, scenario }, 'warming up', () => course.warm(peer, scenario, turn))
      }
    }
  }
  for (let round = 1; round <= rounds; round += 1) {
    console.error(`round ${round} of ${rounds}`)
    for (const scenario of scenarios) {
      const rivals = rivalsIn(scenario, peers)
      for (const rival of rotated(rivals, round - 1)) await meet(rival, { peer: herdgate, scenario }, round)
    }
  }
  return { results: new Map([...results].filter(([, contests]) => contests.size > 0)), faults: [...faults.values()] }

  /** One right after the other, but for the second of load that each has before; either goes first in every other round. */
  async function meet(rival: Rival, own: Task, round: number): Promise<void> {
    const pairs = results.get(own.scenario.name)?.get(rival.name)
    if (pairs === undefined) return // it was left out
    const run = (task: Task) => attempt(task, `round ${round}`, () => runAlone(task))
    const [first, second] = round % 2 === 0 ? [own, rival] : [rival, own]
    const early = await run(first)
    const late = early && (await run(second))
    if (early === undefined || late === undefined) return
    pairs.push(first === own ? { ours: early, theirs: late } : { ours: late, theirs: early })
  }

  function runAlone({ peer, scenario }: Task): Promise<Round> {
    const others = peers.filter((each) => each !== peer).map(({ server }) => server.pid)
    return alone(others, () => course.measure(peer, scenario))
  }

  /** Without Herdgate there is nothing to compare with. */
  async function attempt<T>({ peer, scenario }: Task, when: string, work: () => Promise<T>): Promise<T | undefined> {
    const place = `${peer.name} ${scenario.name}`
    if (faults.has(place)) return undefined
    interrupted.throwIfAborted()
    try {
      return await work()
    } catch (error) {
      if (peer === herdgate) throw error
      faults.set(place, `${peer.name} is left out of ${scenario.name} after ${when}: ${textOf(error)}.`)
      results.get(scenario.name)?.delete(peer.name)
      return undefined
    }
  }
}

function rivalsIn(scenario: Scenario, [herdgate, ...others]: Peers): Rival[] {
  const rivals = others.filter((peer) => takesPart(peer, scenario)).map((peer) => ({ name: peer.name, peer, scenario }))
  const hits = scenario.besideOwnHit ? SCENARIOS.filter(({ name }) => name === 'hit-1k') : []
  return [...rivals, ...hits.map((hit) => ({ name: OWN_HIT, peer: herdgate, scenario: hit }))]
}

/** In the order in which they are told of. */
const unmet = (rivals: readonly Rival[]) => new Map(rivals.map(({ name }): [string, Pair[]] => [name, []]))

/** Another begins each round. */
function rotated<T>(all: readonly T[], by: number): readonly T[] {
  const first = by % all.length
  return [...all.slice(first), ...all.slice(0, first)]
}

const takesPart = ({ role, except }: Peer, { name, roles }: Scenario): boolean =>
  roles.includes(role) && except?.scenario !== name

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
