/** A worker that starts up only on SIGUSR2, as if it checked a file first; then it answers in order. */
interface Message {
  readonly name: string
  readonly argument: unknown
  readonly id?: number
}

const waiting: Message[] = []
let hasBegun = false

const say = (message: object) => void process.send?.(message)
const answer = ({ name, argument, id }: Message) => {
  if (name === 'clear' && id !== undefined) return // never answered, as if it took long
  if (id !== undefined) say({ answers: id, value: undefined })
  else say({ name: 'snapshot', argument: { name, argument }, id: undefined })
}

process.on('message', (message: Message) => {
  if (hasBegun) answer(message)
  else waiting.push(message)
})
process.on('SIGUSR2', () => {
  hasBegun = true
  say({ name: 'begun', argument: undefined, id: undefined })
  for (const message of waiting) answer(message)
  say({ name: 'listening', argument: 'http://127.0.0.1:1', id: undefined })
})
say({ name: 'hello', argument: undefined, id: undefined })
