import { Agent, request } from 'undici'
import { contentOf, requestTarget, type Target } from './content.ts'
import type { Ending } from './judge.ts'

/** The same for every node, so that they are asked for what others have stored. */
const HOST = 'shop.example'
const TIMEOUT_MS = 30_000

export interface RequestOutcome {
  readonly ending: Ending
  /** From sending the request to the last octet of the response. */
  readonly ms: number
}

export interface Client extends AsyncDisposable {
  ask(node: string, target: Target): Promise<RequestOutcome>
}

/** @param connections to each node, kept alive */
export function createClient(connections: number): Client {
  const dispatcher = new Agent({ connections, headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS })
  return {
    async ask(node, target) {
      const began = performance.now()
      const ending = await end(dispatcher, node + requestTarget(target), target)
      return { ending, ms: performance.now() - began }
    },
    [Symbol.asyncDispose]: () => dispatcher.destroy(),
  }
}

async function end(dispatcher: Agent, url: string, target: Target): Promise<Ending> {
  try {
    const { statusCode: status, headers, body } = await request(url, { dispatcher, headers: { host: HOST } })
    const cacheStatus = String(headers['cache-status'] ?? '')
    return { kind: 'answered', status, cacheStatus, ...(await compare(body, contentOf(target))) }
  } catch (error) {
    return { kind: 'unanswered', why: error instanceof Error ? `${error.name}: ${error.message}` : String(error) }
  }
}

async function compare(
  body: AsyncIterable<Buffer>,
  expected: Buffer,
): Promise<{ isComplete: boolean; isCorrect: boolean }> {
  let at = 0
  let isCorrect = true
  try {
    for await (const chunk of body) {
      isCorrect &&= chunk.equals(expected.subarray(at, at + chunk.length))
      at += chunk.length
    }
    return { isComplete: true, isCorrect: isCorrect && at === expected.length }
  } catch {
    return { isComplete: false, isCorrect }
  }
}
