import { asHerdgateError, faultIn } from '../errors.ts'
import type { Events } from '../events.ts'
import type { Content, Origin } from '../model.ts'

/** An origin whose content is told of where it breaks off: who asked has been told of an answer by then. */
export function toldOrigin(origin: Origin, events: Events): Origin {
  const brokeOff = (thrown: unknown): void => {
    const error = asHerdgateError(thrown)
    const why = faultIn(error)
    if (why !== undefined) events.emit('broken', { origin: origin.name, code: error.code, why })
  }
  return {
    name: origin.name,
    async fetch(request, signal) {
      const response = await origin.fetch(request, signal)
      return { ...response, body: watched(response.body, brokeOff), trailers: () => response.trailers() }
    },
    close: () => origin.close(),
  }
}

const watched = (content: Content, brokeOff: (thrown: unknown) => void): Content => ({
  takeWhole: (mostBytes) => content.takeWhole?.(mostBytes),
  async *[Symbol.asyncIterator]() {
    try {
      yield* content
    } catch (thrown) {
      brokeOff(thrown)
      throw thrown
    }
  },
})
