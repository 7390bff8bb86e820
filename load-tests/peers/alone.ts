import { familyOf } from '../lib/cpu.ts'

/**
 * Stops other processes while `work` runs: what they still do about their last load, and their timers, would take the
 * core for a millisecond here and there.
 * @param others their PIDs; their children are stopped as well. Linux only
 */
export async function alone<T>(others: readonly number[], work: () => Promise<T>): Promise<T> {
  const stopped = others.flatMap(livingFamily).filter((each) => isSent(each, 'SIGSTOP'))
  try {
    return await work()
  } finally {
    for (const each of stopped) isSent(each, 'SIGCONT')
  }
}

/** Empty when the process has ended, which its own round will report. */
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
