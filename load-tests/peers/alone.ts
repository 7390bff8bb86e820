import { familyOf } from '../lib/cpu.ts'

/**
 * Has the machine to itself for as long as `work` takes: the others are stopped meanwhile. What they still have to do about
 * the load they had before, and their timers, would take the core from it, a millisecond here and there.
 * @param others numbers of their processes; children are stopped with them. Linux only
 */
export async function alone<T>(others: readonly number[], work: () => Promise<T>): Promise<T> {
  signal(others, 'SIGSTOP')
  try {
    return await work()
  } finally {
    signal(others, 'SIGCONT')
  }
}

function signal(processes: readonly number[], name: 'SIGSTOP' | 'SIGCONT'): void {
  for (const each of processes) {
    try {
      for (const member of familyOf(each)) process.kill(member, name)
    } catch {
      // It has ended: its own round tells.
    }
  }
}
