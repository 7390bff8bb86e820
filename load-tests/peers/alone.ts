import { familyOf } from '../lib/cpu.ts'

/**
 * Has the machine to itself for as long as `work` takes: the others are stopped meanwhile. What they still have to do about
 * the load they had before, and their timers, would take the core from it, a millisecond here and there.
 * @param others numbers of their processes; children are stopped with them. Linux only
 */
export async function alone<T>(others: readonly number[], work: () => Promise<T>): Promise<T> {
  const stopped = others.flatMap(livingFamily).filter((each) => isSent(each, 'SIGSTOP'))
  try {
    return await work()
  } finally {
    for (const each of stopped) isSent(each, 'SIGCONT')
  }
}

/** Empty when the process has ended: its own round tells. */
function livingFamily(pid: number): number[] {
  try {
    return familyOf(pid)
  } catch {
    return []
  }
}

function isSent(pid: number, name: 'SIGSTOP' | 'SIGCONT'): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    return false // it has ended
  }
}
