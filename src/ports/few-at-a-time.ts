/**
 * For work that can fall due for thousands of connections at once: runs a few callbacks in each turn of the event loop,
 * in the order in which they were given, so that other clients are served in between.
 */
export function fewAtATime(few: number): (run: () => void) => void {
  const waiting: (() => void)[] = []
  const turn = () => {
    const due = waiting.splice(0, few)
    // Before the callbacks run, which may add more: exactly one turn is pending while anything waits.
    if (waiting.length > 0) setImmediate(turn)
    for (const run of due) run()
  }
  return (run) => {
    if (waiting.push(run) === 1) setImmediate(turn)
  }
}
