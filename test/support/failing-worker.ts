/** A worker that has an uncaught error as soon as it starts, and never finishes what is in flight. */
process.send?.({ name: 'failed', argument: undefined, id: undefined })
setInterval(() => {}, 1_000)
