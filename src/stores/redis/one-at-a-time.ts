/**
 * One run at a time: calls made during a run share the next, which begins when it has ended.
 * @param run must not reject
 */
export function oneAtATime(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> = Promise.resolve()
  let next: Promise<void> | undefined
  const begin = (): Promise<void> => {
    next = undefined
    running = run()
    return running
  }
  return () => (next ??= running.then(begin))
}
