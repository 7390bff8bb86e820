/**
 * Checks files that were not closed properly, with `check-process.ts`: one check per file at a time in this process,
 * its result kept until the file is open.
 */
import { spawn, spawnSync } from 'node:child_process'
import { type BigIntStats, statSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import { messageOf } from '../../errors.ts'
import type { Clock } from '../../model.ts'
import { type CheckResult, checkResultOf } from './check-result.ts'
import { forgetEnded, leftOpenBy } from './users.ts'

/** How long the result of a check counts, from when it is first returned; twice as long after each further check. */
const VALID_MS = 10_000
const LONGEST_VALID_MS = 5 * 60_000

interface Check {
  /** The file as it was before: another may take its place meanwhile, or it may be written. */
  readonly before: BigIntStats
  /** Processes that had ended before while they had it open. */
  readonly leftOpenBy: readonly number[]
  readonly validMs: number
  /** Undefined while it runs. */
  result: CheckResult | undefined
  /** Infinity until the result is first returned. */
  validUntil: number
}

const checks = new Map<string, Check>()

/**
 * What is known of a file. It is checked where nothing is known, and again where the file could not be opened with the
 * result of the last check.
 * @param waitMs how long the process may block for it; 0 for not at all
 * @returns undefined while it is being checked
 */
export function checkFile(path: string, clock: Clock, waitMs: number): CheckResult | undefined {
  const now = statSync(path, { bigint: true })
  const last = checks.get(path)
  const known = last !== undefined && isOf(last, now) ? last : undefined
  if (known !== undefined && clock.now() < known.validUntil) return resultOf(known, clock)
  const validMs = known === undefined ? VALID_MS : Math.min(known.validMs * 2, LONGEST_VALID_MS)
  const ended = leftOpenBy(dirname(path))
  const check: Check = { before: now, leftOpenBy: ended, validMs, result: undefined, validUntil: Infinity }
  checks.set(path, check)
  run(path, waitMs, (result) => {
    check.result = result
  })
  return resultOf(check, clock)
}

/**
 * Whether the file is still as it was before its last check: else that may have read what another process had yet to
 * finish, or another file.
 */
export function isAsChecked(path: string): boolean {
  const now = statSync(path, { bigint: true, throwIfNoEntry: false })
  const last = checks.get(path)
  return now !== undefined && last !== undefined && isUnchanged(last.before, now)
}

/** Damage that was found counts only as long as nobody writes to the file. */
const isOf = ({ before, result }: Check, now: BigIntStats): boolean =>
  result === 'damaged' ? isUnchanged(before, now) : before.ino === now.ino

const isUnchanged = (before: BigIntStats, now: BigIntStats): boolean =>
  before.ino === now.ino && before.size === now.size && before.mtimeNs === now.mtimeNs

function resultOf(check: Check, clock: Clock): CheckResult | undefined {
  if (check.result !== undefined && check.validUntil === Infinity) check.validUntil = clock.now() + check.validMs
  return check.result
}

/**
 * The file is open now: when it has to be opened again, earlier results no longer count, and neither do processes that
 * had ended before its check.
 */
export function forgetCheck(path: string): void {
  forgetEnded(dirname(path), checks.get(path)?.leftOpenBy ?? [])
  checks.delete(path)
}

function run(path: string, waitMs: number, ended: (result: CheckResult) => void): void {
  const args = [join(import.meta.dirname, `check-process${extname(import.meta.filename)}`), path]
  if (waitMs > 0) {
    const timeout = waitMs === Infinity ? undefined : waitMs
    ended(checkResultOf(spawnSync(process.execPath, args, { stdio: 'ignore', timeout })))
    return
  }
  try {
    const child = spawn(process.execPath, args, { stdio: 'ignore' })
    child.on('error', ({ message }) => ended({ unknown: message }))
    child.on('exit', (status, signal) => ended(checkResultOf({ status, signal })))
    child.unref() // it does not keep this process alive
  } catch (error) {
    ended({ unknown: messageOf(error) }) // for want of memory, for example
  }
}
