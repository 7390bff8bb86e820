import { z } from 'zod'

/**
 * A process's memory after a full collection, read through its inspector: garbage is not counted. The process must have
 * been started with `--inspect=127.0.0.1:0`.
 */
export type Heap = z.infer<typeof heapSchema>

const heapSchema = z.object({ heapUsed: z.number(), external: z.number() })
const evaluatedSchema = z.object({ result: z.object({ value: z.string() }) })
const answerSchema = z.object({
  id: z.number().optional(),
  result: z.unknown(),
  error: z.object({ message: z.string() }).optional(),
})

/** @param errorLines the process's standard error, which announces its inspector's address */
export async function collectedHeap(errorLines: readonly string[]): Promise<Heap> {
  const url = errorLines.map((line) => /ws:\/\/\S+/.exec(line)?.[0]).find((found) => found !== undefined)
  if (url === undefined) throw new Error('the process announces no inspector')
  const socket = new WebSocket(url)
  await opened(socket)
  await call(socket, 1, 'HeapProfiler.collectGarbage', {})
  const expression = 'JSON.stringify(process.memoryUsage())'
  const evaluated = evaluatedSchema.parse(await call(socket, 2, 'Runtime.evaluate', { expression }))
  socket.close()
  return heapSchema.parse(JSON.parse(evaluated.result.value))
}

/** Calls a method of the inspector, ignoring its events in the meantime. */
function call(socket: WebSocket, id: number, method: string, params: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const listen = ({ data }: { data: unknown }): void => {
      const answer = answerSchema.parse(JSON.parse(String(data)))
      if (answer.id !== id) return
      socket.removeEventListener('message', listen)
      if (answer.error === undefined) resolve(answer.result)
      else reject(new Error(answer.error.message))
    }
    socket.addEventListener('message', listen)
    socket.send(JSON.stringify({ id, method, params }))
  })
}

function opened(socket: WebSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.addEventListener('open', () => resolve(), { once: true })
    socket.addEventListener('error', () => reject(new Error('the inspector does not answer')), { once: true })
  })
}
