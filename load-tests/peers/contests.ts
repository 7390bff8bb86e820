/** Herdgate and each of the others one right after the other, in every scenario, again and again. */
import { alone } from './alone.ts'
import { note, type Pair, type Results } from './results.ts'
import { type Round, type Scenario, SCENARIOS, type ScenarioName, WARM_TURNS } from './scenarios.ts'
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
interface Turn {
  readonly peer: Peer
  readonly scenario: Scenario
}

/** Who stands beside Herdgate in a scenario, and by what name. */
interface Rival extends Turn {
  readonly name: string
}

/** @returns what was measured, and who was left out from when on, as its answers were not what they should be */
export async function runContests(course: Course): Promise<{ results: Results; faults: string[] }> {
  const { peers, rounds, interrupted } = course
  const [herdgate] = peers
  const results = new Map<ScenarioName, Map<string, Pair[]>>()
  const faults = new Map<string, string>()

  for (let turn = 1; turn <= WARM_TURNS; turn += 1) {
    console.error(`warming up, ${turn} of ${WARM_TURNS}`)
    for (const scenario of SCENARIOS) {
      for (const peer of peers.filter((each) => takesPart(each, scenario))) {
        await attempt({ peer, scenario }, 'warming up', () => course.warm(peer, scenario, turn))
      }
    }
  }
  for (let round = 1; round <= rounds; round += 1) {
    console.error(`round ${round} of ${rounds}`)
    for (const scenario of SCENARIOS) {
      for (const rival of inTurn(rivalsIn(scenario, peers), round))
        await meet(rival, { peer: herdgate, scenario }, round)
    }
  }
  return { results, faults: [...faults.values()] }

  /** Either goes first in every other round. */
  async function meet(rival: Rival, own: Turn, round: number): Promise<void> {
    const run = (turn: Turn) => attempt(turn, `round ${round}`, () => runAlone(turn))
    const [first, second] = round % 2 === 0 ? [own, rival] : [rival, own]
    const early = await run(first)
    const late = early && (await run(second))
    if (late === undefined) return
    const pairs = results.get(own.scenario.name) ?? new Map<string, Pair[]>()
    results.set(own.scenario.name, pairs)
    note(pairs, rival.name, first === own ? { ours: early, theirs: late } : { ours: late, theirs: early })
  }

  function runAlone({ peer, scenario }: Turn): Promise<Round> {
    const others = peers.filter((each) => each !== peer).map(({ server }) => server.pid)
    return alone(others, () => course.measure(peer, scenario))
  }

  /** Without Herdgate there is nothing to compare with. */
  async function attempt<T>({ peer, scenario }: Turn, when: string, work: () => Promise<T>): Promise<T | undefined> {
    const place = `${peer.name} ${scenario.name}`
    if (faults.has(place)) return undefined
    interrupted.throwIfAborted()
    try {
      return await work()
    } catch (error) {
      if (peer === herdgate) throw error
      faults.set(place, `Left out after ${when}: ${error instanceof Error ? error.message : String(error)}.`)
      results.get(scenario.name)?.delete(peer.name)
      return undefined
    }
  }
}

function rivalsIn(scenario: Scenario, [herdgate, ...others]: Peers): Rival[] {
  const rivals = others.filter((peer) => takesPart(peer, scenario)).map((peer) => ({ name: peer.name, peer, scenario }))
  const own = SCENARIOS.filter(({ name }) => name === scenario.besideOwn)
  return [...rivals, ...own.map((besides) => ({ name: OWN_HIT, peer: herdgate, scenario: besides }))]
}

/** Another goes first in each round: nobody comes always after the same one, who may still be busy with what it left. */
function inTurn<T>(all: readonly T[], round: number): readonly T[] {
  const first = round % all.length
  return [...all.slice(first), ...all.slice(0, first)]
}

const takesPart = ({ role, except }: Peer, { name, roles }: Scenario): boolean =>
  roles.includes(role) && except?.scenario !== name
