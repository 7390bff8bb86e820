/**
 * Checks of files that were not closed, by `check-process.ts`: in this process one at a time of each file, and what it found is
 * kept until the file is open.
 */
import { spawn, spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { extname, join } from 'node:path'
import type { Clock } from '../../model.ts'
import { type CheckResult, checkResultOf } from './check-result.ts'

/** How long what a check found counts from when it is first told; twice as long after each further check. */
const REST_MS = 10_000
const LONGEST_REST_MS = 5 * 60_000

interface Check {
  /** Of the file it is about: another may take its place meanwhile. */
  readonly ino: number
  readonly restMs: number
  /** `undefined` while it runs. */
  result: CheckResult | undefined
  /** Infinity until it is first told. */
  countsUntil: number
}

const checks = new Map<string, Check>()

/**
 * What is known of a file. It is checked where that is nothing, and again where the file could not be opened with what
 * the last check found.
 * @param waitMs how long the process may stand still for it; 0 if not at all
 * @returns `undefined` while it is being checked
 */
export function checked(path: string, clock: Clock, waitMs: number): CheckResult | undefined {
  const { ino } = statSync(path)
  const last = checks.get(path)
  const known = last?.ino === ino ? last : undefined
  if (known !== undefined && clock.now() < known.countsUntil) return told(known, clock)
  const restMs = known === undefined ? REST_MS : Math.min(known.restMs * 2, LONGEST_REST_MS)
  const check: Check = { ino, restMs, result: undefined, countsUntil: Infinity }
  checks.set(path, check)
  run(path, waitMs, (result) => {
    check.result = result
  })
  return told(check, clock)
}

function told(check: Check, clock: Clock): CheckResult | undefined {
  if (check.result !== undefined && check.countsUntil === Infinity) check.countsUntil = clock.now() + check.restMs
  return check.result
}

/** It is open now: should it have to be opened again, it is another time. */
export function forget(path: string): void {
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
    child.unref() // who wants to end does not wait for it
  } catch (error) {
    ended({ unknown: error instanceof Error ? error.message : String(error) }) // as where there is no memory for it
  }
}
