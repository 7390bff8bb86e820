/** A worker that starts up only on SIGUSR2, as if it checked a file first; then it answers in order. */
interface Call {
  readonly name: string
  readonly argument: unknown
  readonly id?: number
}

const waiting: Call[] = []
let hasBegun = false

const say = (message: object) => void process.send?.(message)
const answer = ({ name, argument, id }: Call) => {
  if (name === 'clear' && id !== undefined) return // never answered, as if it took long
  if (id !== undefined) say({ answers: id, value: undefined })
  else say({ name: 'happened', argument: { name, argument }, id: undefined })
}

process.on('message', (call: Call) => {
  if (hasBegun) answer(call)
  else waiting.push(call)
})
process.on('SIGUSR2', () => {
  hasBegun = true
  say({ name: 'begun', argument: undefined, id: undefined })
  for (const call of waiting) answer(call)
  say({ name: 'listening', argument: 'http://127.0.0.1:1', id: undefined })
})
say({ name: 'hello', argument: undefined, id: undefined })
