/** Measures Herdgate and each other server one right after the other, in every scenario, round after round. */
import { alone } from './alone.ts'
import type { Pair, Results } from './results.ts'
import { type Round, type Scenario, type ScenarioName, SCENARIOS, WARM_TURNS } from './scenarios.ts'
import { OWN_HIT, type Peer, type Peers } from './servers.ts'

export interface ContestOptions {
  /**
   * How often all servers are started, at most once per round. What V8 compiles and how it lays out its heap varies
   * between processes of one program by up to half of their CPU time, and stays as it is: one process is one sample.
   */
  readonly starts: number
  /** Rounds in total, divided among the starts. */
  readonly rounds: number
  /** Starts the servers; they are stopped with the scope. */
  readonly start: (scope: AsyncDisposableStack) => Promise<Peers>
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

/** What is compared with Herdgate in a scenario. */
interface Rival extends Task {
  readonly name: string
  /** The scenario in which Herdgate is measured beside it. */
  readonly beside: Scenario
}

/** @returns the measurements, and a sentence for each server that was left out of a scenario because of an error */
export async function runContests(options: ContestOptions): Promise<{ results: Results; faults: string[] }> {
  const { starts, rounds } = options
  const standings = new Standings()
  for (let start = 1; start <= starts; start += 1) {
    await using scope = new AsyncDisposableStack()
    const contest = new Contest(options, await options.start(scope), standings)
    console.error(`start ${start} of ${starts}`)
    await contest.warmUp()
    const doneBy = (starting: number) => Math.floor((starting * rounds) / starts)
    for (let round = doneBy(start - 1) + 1; round <= doneBy(start); round += 1) await contest.run(round)
  }
  return standings.sum
}

/** The measurements of all starts. */
class Standings {
  readonly #pairs = new Map<ScenarioName, Map<string, Pair[]>>()
  /** By server and scenario. */
  readonly #faults = new Map<string, string>()

  get sum(): { results: Results; faults: string[] } {
    const results = new Map([...this.#pairs].filter(([, contests]) => contests.size > 0))
    return { results, faults: [...this.#faults.values()] }
  }

  /** The report lists rivals in the order in which they entered. */
  enter(rival: Rival): void {
    const { name, beside } = rival
    const contests = this.#pairs.get(beside.name) ?? new Map<string, Pair[]>()
    this.#pairs.set(beside.name, contests)
    if (!contests.has(name) && !this.isOut(rival)) contests.set(name, [])
  }

  isOut(task: Task): boolean {
    return this.#faults.has(placeOf(task))
  }

  leaveOut(task: Task, why: string): void {
    const { peer, scenario } = task
    this.#faults.set(placeOf(task), `${peer.name} is left out of ${scenario.name} after ${why}.`)
    this.#pairs.get(scenario.name)?.delete(peer.name)
  }

  note({ name, beside }: Rival, pair: Pair): void {
    this.#pairs.get(beside.name)?.get(name)?.push(pair)
  }
}

/** The rounds between one start of the servers and the next. */
class Contest {
  readonly #options: ContestOptions
  readonly #peers: Peers
  readonly #standings: Standings
  readonly #scenarios: readonly Scenario[]

  constructor(options: ContestOptions, peers: Peers, standings: Standings) {
    this.#options = options
    this.#peers = peers
    this.#standings = standings
    this.#scenarios = SCENARIOS.filter((scenario) => rivalsIn(scenario, peers).length > 0)
    for (const scenario of this.#scenarios) for (const rival of rivalsIn(scenario, peers)) standings.enter(rival)
  }

  async warmUp(): Promise<void> {
    for (let turn = 1; turn <= WARM_TURNS; turn += 1) {
      console.error(`warming up, ${turn} of ${WARM_TURNS}`)
      for (const scenario of this.#scenarios) {
        for (const peer of this.#peers.filter((each) => takesPart(each, scenario))) {
          await this.#attempt({ peer, scenario }, 'warming up', () => this.#options.warm(peer, scenario, turn))
        }
      }
    }
  }

  async run(round: number): Promise<void> {
    console.error(`round ${round} of ${this.#options.rounds}`)
    for (const scenario of this.#scenarios) {
      for (const rival of rotated(rivalsIn(scenario, this.#peers), round - 1)) await this.#meet(rival, round)
    }
  }

  /** One right after the other, apart from the lead of load that each gets first; they take turns at going first. */
  async #meet(rival: Rival, round: number): Promise<void> {
    if (this.#standings.isOut(rival)) return
    const own: Task = { peer: this.#peers[0], scenario: rival.beside }
    const run = (task: Task) => this.#attempt(task, `round ${round}`, () => this.#runAlone(task))
    const [first, second] = round % 2 === 0 ? [own, rival] : [rival, own]
    const early = await run(first)
    const late = early && (await run(second))
    if (early === undefined || late === undefined) return
    this.#standings.note(rival, first === own ? { ours: early, theirs: late } : { ours: late, theirs: early })
  }

  #runAlone({ peer, scenario }: Task): Promise<Round> {
    const others = this.#peers.filter((each) => each !== peer).map(({ server }) => server.pid)
    return alone(others, () => this.#options.measure(peer, scenario))
  }

  /** An error leaves the server out, but one of Herdgate itself ends the run: there is nothing left to compare with. */
  async #attempt<T>(task: Task, when: string, work: () => Promise<T>): Promise<T | undefined> {
    if (this.#standings.isOut(task)) return undefined
    this.#options.interrupted.throwIfAborted()
    try {
      return await work()
    } catch (error) {
      if (task.peer === this.#peers[0]) throw error
      this.#standings.leaveOut(task, `${when}: ${textOf(error)}`)
      return undefined
    }
  }
}

function rivalsIn(scenario: Scenario, [herdgate, ...others]: Peers): Rival[] {
  const rivals = others
    .filter((peer) => takesPart(peer, scenario))
    .map((peer) => ({ name: peer.name, peer, scenario, beside: scenario }))
  const hits = scenario.besideOwnHit ? SCENARIOS.filter(({ name }) => name === 'hit-1k') : []
  return [...rivals, ...hits.map((hit) => ({ name: OWN_HIT, peer: herdgate, scenario: hit, beside: scenario }))]
}

/** Each round begins with another rival. */
function rotated<T>(all: readonly T[], by: number): readonly T[] {
  const first = by % all.length
  return [...all.slice(first), ...all.slice(0, first)]
}

const placeOf = ({ peer, scenario }: Task): string => `${peer.name} ${scenario.name}`

const takesPart = ({ role, except }: Peer, { name, roles }: Scenario): boolean =>
  roles.includes(role) && except?.scenario !== name

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
