/** A worker that starts up only on SIGUSR2, as if it checked a file first; then it answers in order. */
interface Told {
  readonly name: string
  readonly argument: unknown
  readonly id?: number
}

const waiting: Told[] = []
let hasBegun = false

const say = (message: object) => void process.send?.(message)
const answer = ({ name, argument, id }: Told) => {
  if (name === 'clear' && id !== undefined) return // never answered, as if it took long
  if (id !== undefined) say({ answers: id, value: undefined })
  else say({ name: 'happened', argument: { name, argument }, id: undefined })
}

process.on('message', (told: Told) => {
  if (hasBegun) answer(told)
  else waiting.push(told)
})
process.on('SIGUSR2', () => {
  hasBegun = true
  say({ name: 'begun', argument: undefined, id: undefined })
  for (const told of waiting) answer(told)
  say({ name: 'listening', argument: 'http://127.0.0.1:1', id: undefined })
})
say({ name: 'hello', argument: undefined, id: undefined })
