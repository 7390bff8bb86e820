/** A Herdgate in a process of its own, in front of an origin whose answers the current test defines. */
import { afterAll, beforeAll, beforeEach } from 'vitest'
import { type Herdgate, startHerdgate } from '../support/herdgate.ts'
import { type RawOrigin, type RawRequest, rawOrigin } from '../support/raw-origin.ts'
import { RawClient } from './client.ts'

export interface Answering {
  /** Handles a request to the origin. */
  answer: (request: RawRequest) => void
  /** Holds only the requests of the current test. */
  readonly origin: RawOrigin
  readonly herdgate: Herdgate
  /** Opens a connection to the data port. */
  connected(): Promise<RawClient>
}

/** Started before the tests of the file or `describe` in which this is called, and stopped after them. */
export function answering(): Answering {
  let origin: RawOrigin
  let herdgate: Herdgate
  const parts: Answering = {
    answer: () => {},
    get origin() {
      return origin
    },
    get herdgate() {
      return herdgate
    },
    connected: () => RawClient.connect(Number(new URL(herdgate.url).port)),
  }
  beforeAll(async () => {
    origin = await rawOrigin((request) => parts.answer(request))
    herdgate = await startHerdgate(['--origin', origin.url, '--log-level', 'silent'])
  })
  beforeEach(() => {
    origin.requests.length = 0
  })
  afterAll(async () => {
    await herdgate.stop()
    await origin.close()
  })
  return parts
}
