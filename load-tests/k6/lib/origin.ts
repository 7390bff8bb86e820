/** Direct access to the origin. Every resource has a version, with which its bodies begin. */
import http from 'k6/http'
import { environment } from './environment.ts'
import { textOf } from './text.ts'

export interface RequestCounts {
  readonly requests: number
  /** Distinct ones. */
  readonly paths: number
}

/** Requests that the origin has had for paths with a prefix. */
export async function originRequestCounts(prefix: string): Promise<RequestCounts> {
  const { status, body } = await ask('GET', `/__requests?prefix=${encodeURIComponent(prefix)}`)
  if (status !== 200) throw new Error(`the origin does not tell: ${status}`)
  return JSON.parse(body)
}

/** Gives a resource its next version, and returns it. */
export async function change(path: string): Promise<number> {
  const { status, body } = await ask('POST', `/__change?path=${encodeURIComponent(path)}`)
  if (status !== 200) throw new Error(`the origin does not change: ${status}`)
  return Number(body)
}

async function ask(method: string, path: string): Promise<{ status: number; body: string }> {
  const tags = { to: 'origin' }
  const { status, body } = await http.asyncRequest(method, environment.origin + path, null, { tags })
  return { status, body: textOf(body) }
}
