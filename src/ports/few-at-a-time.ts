/**
 * For what can fall due for thousands at once: does it for a few in each turn of the event loop, in the order in which
 * it was asked for, so that everybody else is served in between.
 */
export function fewAtATime(few: number): (run: () => void) => void {
  const waiting: (() => void)[] = []
  const turn = () => {
    const due = waiting.splice(0, few)
    // Before what may ask for more, so that one turn is pending while anything waits, and never two.
    if (waiting.length > 0) setImmediate(turn)
    for (const run of due) run()
  }
  return (run) => {
    if (waiting.push(run) === 1) setImmediate(turn)
  }
}
