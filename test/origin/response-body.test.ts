import { describe, expect, test } from 'vitest'
import { HerdgateError } from '../../src/errors.ts'
import { ResponseBody } from '../../src/origin/response-body.ts'

function bodyWithSource() {
  const calls: string[] = []
  const body = new ResponseBody({ resume: () => calls.push('resume'), cancel: () => calls.push('cancel') })
  return { body, calls }
}

const bytes = (size: number) => new Uint8Array(size)

describe('a response body', () => {
  test('yields what was pushed, in order, then ends', async () => {
    const { body } = bodyWithSource()
    const early = body.next()
    body.push(Uint8Array.of(1))
    body.push(Uint8Array.of(2))
    expect(await early).toEqual({ done: false, value: Uint8Array.of(1) })
    body.end()
    expect(await body.next()).toEqual({ done: false, value: Uint8Array.of(2) })
    expect(await body.next()).toEqual({ done: true, value: undefined })
    expect(await body.next()).toEqual({ done: true, value: undefined })
  })

  test('pauses its source at 64 KiB or 128 chunks, and resumes it when all is read', async () => {
    const { body, calls } = bodyWithSource()
    expect(body.push(bytes(40_000))).toBe(true)
    expect(body.push(bytes(40_000))).toBe(false)
    await body.next()
    expect(calls).toEqual([])
    await body.next()
    expect(calls).toEqual(['resume'])
    const answers = Array.from({ length: 128 }, () => body.push(bytes(1)))
    expect(answers.indexOf(false)).toBe(127)
  })

  test('returns everything at once when it has ended and fits, once', async () => {
    const { body } = bodyWithSource()
    body.push(Uint8Array.of(1))
    expect(body.takeWhole(10)).toBeUndefined()
    body.push(Uint8Array.of(2))
    body.end()
    expect(body.takeWhole(1)).toBeUndefined()
    expect(body.takeWhole(2)).toEqual([Uint8Array.of(1), Uint8Array.of(2)])
    expect(body.takeWhole(2)).toBeUndefined()
    expect(await body.next()).toEqual({ done: true, value: undefined })
  })

  test('returns nothing at once when some was read, it broke off, or it was cancelled', async () => {
    const read = bodyWithSource().body
    read.push(Uint8Array.of(1))
    await read.next()
    read.end()
    const broken = bodyWithSource().body
    broken.push(Uint8Array.of(1))
    broken.fail(new HerdgateError('origin_reset'))
    const unwanted = bodyWithSource().body
    await unwanted.return()
    expect([read, broken, unwanted].map((body) => body.takeWhole(10))).toEqual([undefined, undefined, undefined])
  })

  test('joins small waiting chunks', async () => {
    const { body } = bodyWithSource()
    for (const octet of [1, 2, 3]) body.push(Uint8Array.of(octet))
    expect(await body.next()).toEqual({ done: false, value: Buffer.of(1, 2, 3) })
    body.push(bytes(2_000))
    body.push(bytes(1))
    expect((await body.next()).value?.length).toBe(2_001)
    body.push(bytes(2_000))
    body.push(bytes(2_000))
    expect((await body.next()).value?.length).toBe(2_000)
  })

  test('that fails yields what had arrived, then the error once', async () => {
    const { body } = bodyWithSource()
    const error = new HerdgateError('origin_reset')
    body.push(bytes(1))
    body.fail(error)
    body.end()
    expect((await body.next()).done).toBe(false)
    await expect(body.next()).rejects.toBe(error)
    expect((await body.next()).done).toBe(true)
  })

  test('that fails or ends releases a waiting reader', async () => {
    const error = new HerdgateError('origin_reset')
    const failing = bodyWithSource().body
    const waiting = [failing.next(), failing.next()]
    failing.fail(error)
    for (const wait of waiting) await expect(wait).rejects.toBe(error)
    const ending = bodyWithSource().body
    const last = ending.next()
    ending.end()
    expect((await last).done).toBe(true)
  })

  test('cancels its source at once when left early, even while a read is waiting', async () => {
    const { body, calls } = bodyWithSource()
    const waiting = body.next()
    await body.return()
    expect((await waiting).done).toBe(true)
    expect(calls).toEqual(['cancel'])
    await body.return()
    expect(calls).toEqual(['cancel'])
  })

  test('cancels nothing when left after its end', async () => {
    const { body, calls } = bodyWithSource()
    body.push(bytes(70_000))
    body.end()
    await body.next()
    await body.return()
    expect(calls).toEqual([])
  })
})
