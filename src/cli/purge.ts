import type { Receipt } from '../model.ts'
import { AdminError, type AdminFlags, askAdmin, contentOf, refused, reportingErrors } from './admin-api.ts'

export interface PurgeFlags extends AdminFlags {
  readonly tag?: readonly string[]
  readonly url?: readonly string[]
  readonly prefix?: readonly string[]
  readonly all?: boolean
  /** Mark stale instead of removing. */
  readonly soft?: boolean
}

interface Answer extends Receipt {
  readonly tookMs: number
}

/** `herdgate purge`: exit code 0 once it is logged; prints how many nodes have acknowledged it. */
export async function purge(flags: PurgeFlags): Promise<void> {
  await reportingErrors(async () => {
    const { tag = [], url = [], prefix = [], all = false, soft = false } = flags
    if (tag.length + url.length + prefix.length === 0 && !all) {
      throw new AdminError('nothing selected: give --tag, --url or --prefix, each as often as needed, or --all', 2)
    }
    const targets = { tags: tag, urls: url, prefixes: prefix, ...(all && { all }) }
    const given = Object.entries(targets).filter(([, value]) => value === true || (value as string[]).length > 0)
    const answer = await askAdmin(soft ? '/v1/invalidate' : '/v1/purge', flags, Object.fromEntries(given))
    if (answer.status !== 200 && answer.status !== 202) throw refused(answer)
    process.stdout.write(`${describe(contentOf<Answer>(answer, 'nodes'), soft)}\n`)
  })
}

function describe({ id, position, nodes, tookMs }: Answer, soft: boolean): string {
  const done = soft ? 'invalidated' : 'purged'
  const { acked, expected } = nodes
  const all = acked === 1 ? 'the only node' : `all ${acked} nodes`
  const acknowledgedBy = acked >= expected ? all : `${acked} of ${expected} nodes`
  const others = acked >= expected ? '' : '; the others honour it within two leases'
  return `${done}, acknowledged by ${acknowledgedBy} in ${tookMs} ms (record ${position}, ${id})${others}`
}
