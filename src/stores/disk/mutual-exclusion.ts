/**
 * Lets one process of the host at a time do something to a folder, without a native lock. Each that wants to leaves a
 * claim there, and begins once it has seen its own and no other; of several, that with the lowest PID keeps its claim.
 * A claim names its process and when that began: that of a process which has ended is told from all later ones.
 */
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { HerdgateError } from '../../errors.ts'
import { makeFolder } from './make-folder.ts'
import { beginningOf, isRunning } from './process-identity.ts'

/** Folder of the claims. */
const CLAIMS = 'claims'

const RETRY_MS = 2

/**
 * @param waitMs how long the process may block while others are at it
 * @throws HerdgateError `internal` when one of them still is then
 */
export function exclusively<T>(folder: string, waitMs: number, run: () => T): T {
  const claims = join(folder, CLAIMS)
  makeFolder(claims)
  const claim = join(claims, `${process.pid}-${beginningOf(process.pid)}`)
  try {
    waitForTurn(claims, claim, waitMs)
    return run()
  } finally {
    rmSync(claim, { force: true })
  }
}

function waitForTurn(claims: string, claim: string, waitMs: number): void {
  let pausesLeft = waitMs / RETRY_MS
  let isClaimed = false
  for (;;) {
    const others = othersAmong(claims)
    if (others.length === 0 && isClaimed) return // whoever claims from now on sees this claim
    if (others.length === 0) writeFileSync(claim, '')
    else if (pausesLeft-- <= 0) throw new HerdgateError('internal', `process ${others.join(', ')} is opening it`)
    else if (others.some((pid) => pid < process.pid)) rmSync(claim, { force: true })
    isClaimed = existsSync(claim)
    if (others.length > 0) pause()
  }
}

/** Other processes that have a claim. Removes the claims of those that have ended. */
function othersAmong(claims: string): number[] {
  return readdirSync(claims).flatMap((name) => {
    const [, digits = '', began = ''] = /^(\d+)-(\d*)$/.exec(name) ?? []
    const pid = Number(digits)
    if (digits === '' || pid === process.pid) return []
    if (isRunning(pid, began)) return [pid]
    rmSync(join(claims, name), { force: true })
    return []
  })
}

function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS)
}
