/** The origin, asked directly. Every resource has a version, which is the body of its answers. */
import http from 'k6/http'
import { environment } from './environment.ts'

/** How many requests it has had for paths that begin so. */
export async function originRequests(prefix: string): Promise<number> {
  const { status, body } = await ask('GET', `/__requests?prefix=${encodeURIComponent(prefix)}`)
  if (status !== 200) throw new Error(`the origin does not tell: ${status}`)
  return Number(body)
}

/** Gives a resource its next version. @returns that */
export async function change(path: string): Promise<number> {
  const { status, body } = await ask('POST', `/__change?path=${encodeURIComponent(path)}`)
  if (status !== 200) throw new Error(`the origin does not change: ${status}`)
  return Number(body)
}

async function ask(method: string, path: string): Promise<{ status: number; body: string }> {
  const tags = { to: 'origin' }
  const { status, body } = await http.asyncRequest(method, environment.origin + path, null, { tags })
  return { status, body: String(body ?? '') }
}
