import { expect, test } from 'vitest'
import { Body } from '../../../src/body.ts'
import { completedContent } from '../../../src/cache/http/part-content.ts'
import { entryWith } from '../../policy/support.ts'

test.each(['5678', '567890'])('a part that lacks five octets is not completed by %j', async (rest) => {
  const partial = { parts: [{ first: 0, last: 4 }], complete: 10, reachesEnd: false, asked: undefined }
  const part = entryWith({
    status: 206,
    body: Body.of(Buffer.from('01234')),
    partial: { ...partial, contentRange: undefined },
  })
  const source = (async function* () {
    yield Buffer.from(rest)
  })()
  const read: string[] = []
  const reading = (async () => {
    for await (const chunk of completedContent(part, { first: 5, last: 9 }, source)) read.push(String(chunk))
  })()
  await expect(reading).rejects.toMatchObject({ code: 'origin_invalid' })
  expect(read.join('').length).toBeLessThan(10)
})
