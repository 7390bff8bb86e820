import { readdirSync, readFileSync } from 'node:fs'

/** Linux reports CPU time to user space in hundredths of a second, whatever unit the kernel counts in. */
const MICROSECONDS_PER_TICK = 10_000

/** User and system CPU time that a process and its living descendants have used, in microseconds. Linux only. */
export function cpuMicroseconds(pid: number): number {
  const ticks = familyOf(pid).map((member) => ticksOf(readFileSync(`/proc/${member}/stat`, 'latin1')))
  return ticks.reduce((sum, each) => sum + each, 0) * MICROSECONDS_PER_TICK
}

/** Fields 14 and 15 of proc_pid_stat(5); the second field, in parentheses, may contain spaces. */
function ticksOf(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11]) + Number(fields[12])
}

/** Ids of a process and its living descendants. Linux only. */
export function familyOf(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(familyOf)]
}

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'latin1').split(' ').filter(Boolean).map(Number),
  )
}
