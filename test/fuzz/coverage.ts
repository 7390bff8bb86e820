/** Which blocks of our code have run, by V8's precise coverage. */
import { type Profiler, Session } from 'node:inspector'

/** Start it before the code it is to watch is imported: what was compiled before has no counters. */
export class Coverage {
  readonly #session = new Session()
  readonly #watched: (url: string) => boolean
  /** By function: for each of its characters, has it not run yet? */
  readonly #missing = new Map<string, Uint8Array>()

  /** @param watched is this URL that of code to watch? */
  constructor(watched: (url: string) => boolean) {
    this.#watched = watched
    this.#session.connect()
    this.#session.post('Profiler.enable')
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  }

  /** Takes what has run since the last time; has any of it never run before, as far as was committed? */
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

  /** Nothing counts as having run. */
  forget(): void {
    this.take(false)
    this.#missing.clear()
  }

  close(): void {
    this.#session.disconnect()
  }

  /** Ranges nest: each one's count holds except where a later one says otherwise. */
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
