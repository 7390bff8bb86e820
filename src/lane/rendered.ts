import type { StoredResponse } from '../model.ts'
import type { Hit } from '../cache/hit.ts'
import { notModifiedHead } from '../policy/not-modified.ts'
import { cachedHead } from '../policy/response.ts'

/** The answers an entry gives at present, as octets. Age and ttl change once a second, nothing else does. */
interface Rendered {
  age: number
  ttl: number
  whole: Buffer | undefined
  head: Buffer | undefined
  notModified: Buffer | undefined
}

export type Form = 'whole' | 'head' | 'notModified'

/** Up to here head and content are one piece of memory, and leave in one write. */
const ONE_PIECE_BYTES = 64 * 1024

/**
 * Answers as octets, made anew when the second changes.
 * @param ending what every head of this listener ends with, the empty line included
 * @param reasons reason phrases by status
 */
export function createRenderer(ending: string, reasons: (status: number) => string) {
  const known = new WeakMap<StoredResponse, Rendered>()

  /** Content that does not come with the head is for the caller to send after it. */
  return function rendered(hit: Hit, form: Form): Buffer {
    const { entry, outcome, now } = hit
    const age = Math.floor((now - entry.bornAt) / 1000)
    const ttl = Math.floor((outcome.ttlMs ?? 0) / 1000)
    let of = known.get(entry)
    if (of === undefined || of.age !== age || of.ttl !== ttl) {
      of = { age, ttl, whole: undefined, head: undefined, notModified: undefined }
      known.set(entry, of)
    }
    return (of[form] ??= render(hit, form))
  }

  function render({ entry, outcome, now }: Hit, form: Form): Buffer {
    const fields = cachedHead(entry, outcome, now)
    const { bytes } = entry.body
    if (form === 'notModified') return headOf(304, notModifiedHead(fields))
    if (bytes !== undefined && entry.status !== 204) fields.push('Content-Length', String(bytes.length))
    const head = headOf(entry.status, fields)
    const joined = form === 'whole' && bytes !== undefined && bytes.length <= ONE_PIECE_BYTES
    return joined ? Buffer.concat([head, bytes]) : head
  }

  function headOf(status: number, fields: readonly string[]): Buffer {
    let head = `HTTP/1.1 ${status} ${reasons(status)}\r\n`
    for (let at = 0; at + 1 < fields.length; at += 2) head += `${fields[at]}: ${fields[at + 1]}\r\n`
    return Buffer.from(head + ending, 'latin1')
  }
}

export const comesInOnePiece = (content: Buffer): boolean => content.length <= ONE_PIECE_BYTES
