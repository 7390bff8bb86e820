/** Records which blocks of Herdgate's code have run, by V8's precise coverage. */
import { type Profiler, Session } from 'node:inspector'

/** Create it before the watched code is imported: functions compiled earlier have no counters. */
export class Coverage {
  readonly #session = new Session()
  readonly #watched: (url: string) => boolean
  /** For each function, a flag per character: 1 if it has not run yet. */
  readonly #missing = new Map<string, Uint8Array>()

  /** @param watched whether code at this URL is watched */
  constructor(watched: (url: string) => boolean) {
    this.#watched = watched
    this.#session.connect()
    this.#session.post('Profiler.enable')
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  }

  /** Reads the coverage since the last call. @returns whether it has blocks that no committed coverage had */
  take(commit: boolean): boolean {
    let isNew = false
    this.#session.post('Profiler.takePreciseCoverage', (error, taken) => {
      if (error !== null) throw new Error('coverage cannot be taken', { cause: error })
      for (const { url, functions } of taken.result) {
        if (!this.#watched(url)) continue
        for (const one of functions) if (this.#seen(url, one, commit)) isNew = true
      }
    })
    return isNew
  }

  /** Discards all coverage. */
  forget(): void {
    this.take(false)
    this.#missing.clear()
  }

  close(): void {
    this.#session.disconnect()
  }

  /** Ranges nest: a later range overrides the count of those around it. */
  #seen(url: string, { functionName, ranges }: Profiler.FunctionCoverage, commit: boolean): boolean {
    const [whole] = ranges
    if (whole === undefined || whole.count === 0) return false
    const key = `${url} ${functionName} ${whole.startOffset}`
    const missing = this.#missing.get(key)
    if (missing === undefined && !commit) return true
    const ran = new Uint8Array(whole.endOffset - whole.startOffset)
    for (const { startOffset, endOffset, count } of ranges) {
      ran.fill(count > 0 ? 1 : 0, startOffset - whole.startOffset, endOffset - whole.startOffset)
    }
    const known = missing ?? new Uint8Array(ran.length).fill(1)
    let isNew = false
    for (let at = 0; at < ran.length; at++) {
      if (ran[at] === 0 || known[at] === 0) continue
      isNew = true
      if (!commit) break
      known[at] = 0
    }
    if (commit) this.#missing.set(key, known)
    return isNew
  }
}
