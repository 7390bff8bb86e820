import { expect, test } from 'vitest'
import { Recency, type Linked } from '../../../src/stores/memory/recency.ts'
import fc from '../../support/fast-check.ts'

interface Thing extends Linked<Thing> {
  readonly name: number
}

const thing = (name: number): Thing => ({ name, bytes: name + 1, earlier: undefined, later: undefined })

function names(order: Recency<Thing>): number[] {
  const found: number[] = []
  for (let each = order.oldest; each !== undefined; each = each.later) found.push(each.name)
  return found
}

test('after any operations it has the entries of a plain list, in order of last use', () => {
  const calls = fc.array(fc.tuple(fc.constantFrom('add', 'use', 'remove', 'take', 'clear'), fc.nat(7)))
  fc.assert(
    fc.property(calls, (all) => {
      const order = new Recency<Thing>()
      const things = Array.from({ length: 8 }, (_, name) => thing(name))
      let list: number[] = []
      for (const [call, name] of all) {
        const isIn = list.includes(name)
        const at = things[name] ?? thing(name)
        if (call === 'clear') {
          order.clear()
          list = []
        } else if (call === 'take') {
          expect(order.takeOldest()?.name).toBe(list.shift())
        } else if (call === 'add' && !isIn) {
          order.add(at)
          list.push(name)
        } else if (call !== 'add' && isIn) {
          list = list.filter((other) => other !== name)
          if (call === 'use') list.push(name)
          if (call === 'use') order.use(at)
          else order.remove(at)
        }
        expect(names(order)).toEqual(list)
        expect(order.size).toBe(list.length)
        expect(order.bytes).toBe(list.reduce((sum, each) => sum + each + 1, 0))
      }
    }),
  )
})

test('it can be traversed in both directions', () => {
  const order = new Recency<Thing>()
  const [a, b, c] = [thing(0), thing(1), thing(2)]
  for (const each of [a, b, c]) order.add(each)
  order.use(a)
  order.remove(c)
  expect([a.earlier, b.earlier, b.later, a.later]).toEqual([b, undefined, a, undefined])
})
