import { Readable } from 'node:stream'
import { HerdgateError } from '../errors.ts'
import { clientGone } from './failure.ts'
import { contentReceived } from '../heap/content-volume.ts'
import { field } from '../fields.ts'
import type { OriginRequest } from '../model.ts'
import { IncomingMessage } from '../node-http.ts'

/** Learns which side is being waited for, as the upload proceeds. */
export interface UploadProgress {
  /** The next octets have to come from the client. */
  waitingForClient(): void
  /** Octets, or the end, were handed over: it is the origin's turn. */
  handedOver(): void
}

/**
 * Takes the client's content if all of it is here, as short content mostly is that comes with its head: sending it
 * needs no stream then. Node has parsed what came with a head once the turn is over in which the head was received.
 */
export function takeArrived({ body, fields }: OriginRequest): Buffer | undefined {
  if (!(body instanceof IncomingMessage) || body.readableDidRead) return undefined
  const { readableLength: length } = body
  // Otherwise it would be framed in another way than it was received.
  if (length === 0 || field(fields, 'content-length') !== String(length)) return undefined
  contentReceived(length)
  return body.read(length) // without a length, Node 26 returns only the first of several buffers
}

/**
 * Lends the client's content: reads from it as the origin takes it. Destroying the loan, as undici does when an
 * exchange ends early, leaves the client's stream alone, because the response travels on the same socket. Nothing is
 * read and no listener is attached before the first read.
 */
export function lend(source: Readable, progress: UploadProgress): Readable {
  let isAttached = false
  let isWanted = false

  const handOver = (chunk: Buffer | null) => {
    isWanted = false
    progress.handedOver()
    loan.push(chunk)
    if (chunk !== null) contentReceived(chunk.length)
  }
  const onReadable = () => {
    if (!isWanted) return
    const chunk: Buffer | null = source.read()
    if (chunk !== null) handOver(chunk)
  }
  const onEnd = () => handOver(null)
  const onBroken = () => {
    if (!source.readableEnded) loan.destroy(brokenOff(source))
  }
  const attach = () => {
    isAttached = true
    source.on('readable', onReadable).on('end', onEnd).on('error', onBroken).on('close', onBroken)
  }
  const detach = () => {
    source.off('readable', onReadable).off('end', onEnd).off('error', onBroken).off('close', onBroken)
    if (source.destroyed) source.on('error', ignore) // unhandled, an error still on its way would end the process
  }

  const loan = new Readable({
    read() {
      if (source.readableEnded) return handOver(null)
      if (source.destroyed) return void loan.destroy(brokenOff(source))
      if (!isAttached) attach()
      const chunk: Buffer | null = source.read()
      if (chunk !== null) return handOver(chunk)
      isWanted = true
      progress.waitingForClient()
    },
    destroy(error, callback) {
      if (isAttached) detach()
      callback(error)
    },
  })
  // undici stops listening when the request has failed, and then destroys the loan with that error.
  loan.on('error', ignore)
  return loan
}

/** A stream that transforms the client's content before it comes here may fail with an error of its own. */
const brokenOff = ({ errored }: Readable): HerdgateError => (errored instanceof HerdgateError ? errored : clientGone())

function ignore(): void {}
