import type { InvalidationMode } from '../../model.ts'

/** One record of a shared log as the stream holds it. */
export interface LogRecord {
  readonly position: number
  /** The generation it was logged in; undefined when the record does not say. */
  readonly generation: string | undefined
  readonly nonce: string
  /** What it names; `unreadable` when that cannot be parsed, so that it may name anything. */
  readonly names: { readonly mode: InvalidationMode | 'none'; readonly targets: readonly string[] } | 'unreadable'
}

/** @param fields names and values, alternating */
export function parseRecord(id: string, fields: readonly string[]): LogRecord {
  const given = (name: string) => {
    const at = fields.findIndex((field, index) => index % 2 === 0 && field === name)
    return at < 0 ? undefined : fields[at + 1]
  }
  return {
    position: Number.parseInt(id, 10),
    generation: given('generation'),
    nonce: given('nonce') ?? '',
    names: namesIn(given('mode'), given('targets') ?? ''),
  }
}

function namesIn(mode: string | undefined, json: string): LogRecord['names'] {
  if (mode !== 'purge' && mode !== 'invalidate' && mode !== 'none') return 'unreadable'
  try {
    const targets: unknown = JSON.parse(json)
    const sound = Array.isArray(targets) && targets.every((target) => typeof target === 'string')
    return sound ? { mode, targets } : 'unreadable'
  } catch {
    return 'unreadable'
  }
}
