import { check } from 'k6'
import exec from 'k6/execution'
import { Counter } from 'k6/metrics'
import type { Options } from 'k6/options'
import { environment } from '../lib/environment.ts'
import { get, purge } from '../lib/herdgate.ts'
import { change } from '../lib/origin.ts'
import { READERS } from '../lib/readers.ts'
import { handleSummaryOf } from '../lib/summary.ts'
import { comesTrue } from '../lib/wait.ts'

const { seconds, nodes } = environment

const EDITORS = 4
const ACKNOWLEDGED = 200

const stale = new Counter('stale_after_purge')
const acknowledged = new Counter('purges_acknowledged')

export const options: Options = {
  scenarios: {
    readers: READERS,
    editors: { executor: 'constant-vus', vus: EDITORS, duration: `${seconds}s`, exec: 'edit' },
  },
  thresholds: {
    stale_after_purge: ['count==0'],
    purges_acknowledged: [`count>=${EDITORS}`],
    checks: ['rate==1'],
    'http_req_failed{to:herdgate}': ['rate==0'],
  },
}

/** Waits until the nodes know each other: before that, a purge is not acknowledged by all. */
export async function setup(): Promise<void> {
  const isKnown = await comesTrue(async () => (await purge('nothing')) === ACKNOWLEDGED, 30_000)
  if (!isKnown) throw new Error('no purge is acknowledged')
}

/** Keeps fetches of all resources in flight, on all nodes. */
export async function read(): Promise<void> {
  const editor = Math.floor(Math.random() * EDITORS)
  await get(pathOf(editor))
}

export async function edit(): Promise<void> {
  const editor = exec.scenario.iterationInTest % EDITORS
  const path = pathOf(editor)
  const version = await change(path)
  if ((await purge(`edited-${editor}`)) !== ACKNOWLEDGED) return // other nodes may not have it yet: nothing is promised
  acknowledged.add(1)
  for (const node of nodes) {
    const answer = await get(path, node)
    check(answer, { 'there is an answer after a purge': ({ status }) => status === 200 })
    stale.add(answer.version >= version ? 0 : 1)
  }
}

const pathOf = (editor: number): string => `/edited-${editor}/page`

export const handleSummary = handleSummaryOf(
  'Once a purge is acknowledged no node gives an older version, however many fetches were in flight.',
)
