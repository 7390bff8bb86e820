import { once } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { lend } from '../../src/origin/request-body.ts'
import { settle } from '../support/fake-clock.ts'

function lent(source: Readable) {
  const turns: string[] = []
  const loan = lend(source, {
    waitingForClient: () => turns.push('client'),
    handedOver: () => turns.push('origin'),
  })
  return { loan, turns }
}

async function read(stream: Readable): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += String(chunk)
  return text
}

describe('a request body on loan', () => {
  test('yields the octets of its source', async () => {
    const { loan } = lent(Readable.from([Buffer.from('abc'), Buffer.from('de')]))
    expect(await read(loan)).toBe('abcde')
  })

  test('is empty if its source was read to its end', async () => {
    const source = Readable.from([Buffer.from('abc')])
    await read(source)
    expect(await read(lent(source).loan)).toBe('')
  })

  test('reports whether the client or the origin is awaited', async () => {
    const source = new PassThrough()
    const { loan, turns } = lent(source)
    const text = read(loan)
    await settle()
    expect(turns).toEqual(['client'])
    source.write('a')
    await settle()
    expect(turns).toEqual(['client', 'origin', 'client'])
    source.end()
    expect(await text).toBe('a')
    expect(turns).toEqual(['client', 'origin', 'client', 'origin'])
  })

  test('touches its source only when read, and leaves it as it was', async () => {
    const source = new PassThrough()
    const untouched = source.eventNames().length
    const { loan } = lent(source)
    expect(source.eventNames()).toHaveLength(untouched)
    source.write('abc')
    loan.read(0)
    loan.destroy()
    await once(loan, 'close')
    expect(source.destroyed).toBe(false)
    expect(source.eventNames()).toHaveLength(untouched)
  })

  test('breaks when its source breaks, or has broken', async () => {
    const breaking = new PassThrough()
    const { loan } = lent(breaking)
    const reading = expect(read(loan)).rejects.toMatchObject({ code: 'client_gone' })
    await settle()
    breaking.destroy(new Error('connection reset'))
    await reading
    await expect(read(lent(breaking).loan)).rejects.toMatchObject({ code: 'client_gone' })
  })

  test('reads no more from its source than is requested', async () => {
    let produced = 0
    const source = new Readable({
      read() {
        produced += 1
        this.push(Buffer.alloc(16_384))
      },
    })
    const { loan } = lent(source)
    loan.read(1)
    await settle()
    expect(produced).toBeLessThan(32)
    source.destroy()
  })
})
