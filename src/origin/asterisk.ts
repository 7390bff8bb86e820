import type { IncomingMessage } from 'node:http'
import { HerdgateError } from '../errors.ts'
import type { Clock, OriginRequest, OriginResponse, Signal } from '../model.ts'
import { type ContentTimeouts, contentTimeoutMessage } from './exchange.ts'
import { clientGone, failure } from './failure.ts'
import { ResponseBody } from './response-body.ts'
import { createSilenceTimer, type TimeoutReason } from './silence-timer.ts'
import { ask, type SingleRequest } from './single-request.ts'

export interface AsteriskOptions
  extends ContentTimeouts,
    Pick<SingleRequest, 'destinations' | 'connectTimeout' | 'headersTimeout' | 'ca'> {
  readonly clock: Clock
  readonly signal?: Signal | undefined
  /** Called once when the content has ended, successfully or not; not called when this rejects. */
  readonly finished: () => void
}

/** Sends OPTIONS for the origin as a whole (RFC 9110 section 9.3.7), as undici cannot send its target `*`. */
export async function askForOptions(request: OriginRequest, options: AsteriskOptions): Promise<OriginResponse> {
  const { method, target, onInterim } = request
  const fields = [...request.fields, 'Connection', 'close']
  const reply = await ask({ ...options, method, target, fields, onInterim }, options.clock, options.signal)
  if (reply.kind === 'switched') {
    reply.socket.destroy()
    throw new HerdgateError('origin_invalid', `${reply.url.host}: switched protocols unasked`)
  }
  const { response, url } = reply
  return {
    status: response.statusCode ?? 0,
    fields: response.rawHeaders,
    body: contentOf(response, url, options),
    trailers: () => response.rawTrailers,
  }
}

function contentOf(response: IncomingMessage, url: URL, options: AsteriskOptions): ResponseBody {
  const { bodyTimeout, totalTimeout, clock, signal, finished } = options
  const resume = () => {
    timer.touch()
    response.resume()
  }
  const body = new ResponseBody({ resume, cancel: () => response.destroy() })
  const late = (why: TimeoutReason) =>
    new HerdgateError('origin_timeout', `${url.host}: ${contentTimeoutMessage(why, options)}`)
  const timer = createSilenceTimer(clock, (why) => response.destroy(late(why)))
  const aborted = () => response.destroy(clientGone())

  response.on('data', (chunk: Buffer) => {
    if (body.push(chunk)) return timer.touch()
    response.pause()
    timer.hold()
  })
  response.once('end', () => body.end())
  response.once('error', (cause) => body.fail(failure(cause, 'body', url.host)))
  response.once('close', () => {
    timer.stop()
    signal?.removeEventListener('abort', aborted)
    body.fail(new HerdgateError('origin_reset', `${url.host}: closed`))
    finished()
  })
  signal?.addEventListener('abort', aborted)
  timer.start(bodyTimeout, totalTimeout)
  return body
}
