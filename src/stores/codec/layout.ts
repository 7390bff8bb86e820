/**
 * The binary layout of a stored thing:
 *
 *     magic "hgsd" | version | kind | key | url | tags | generation | position | the kind's own members
 *
 * Texts and lists are preceded by their length; a body is stored as it is. Times are by the machine's clock, so that a
 * reader need not have started when the writer did; this includes `askedAt`, which says which of two copies was asked
 * for later. `startedAt` is not stored, as in another process it would not prove what the log had said by then. The
 * position in the log does, and comparison starts from it.
 */
import { Body } from '../../body.ts'
import { interned, internedText } from '../../interned.ts'
import type { ByteRange, Lifetime, Order, PartialContent, Stamp, Stored, StoredResponse } from '../../model.ts'
import { ResponseRecord } from '../../response-record.ts'
import type { OctetReader, OctetWriter } from './octets.ts'
import { estimateBytes } from '../value-size.ts'
import { readValue, writeValue } from './value-octets.ts'

export const MAGIC = Buffer.from('hgsd', 'latin1')
/** Goes up with every change of the layout; octets of another version are not read. */
export const VERSION = 3
const KINDS = ['response', 'value', 'varies', 'unshareable'] as const

/** @returns false when the layout cannot express it: the body is not complete, a value is not plain data */
export function writeStored(writer: OctetWriter, key: string, stored: Stored): boolean {
  writer.raw(MAGIC)
  writer.octet(VERSION)
  writer.octet(KINDS.indexOf(stored.kind))
  writer.text(key)
  writeStamp(writer, stored)
  return writeKind(writer, stored) && writer.sound
}

/** @returns undefined for another layout or another key; the values of its parts are not checked yet */
export function readStored(reader: OctetReader, key: string): Stored | undefined {
  reader.must(MAGIC.equals(reader.raw(MAGIC.length)))
  reader.must(reader.octet() === VERSION)
  const kind = KINDS[reader.octet()]
  reader.must(reader.text() === key)
  if (kind === undefined || !reader.sound) return undefined
  const stored = readKind(reader, kind, readStamp(reader))
  return reader.sound && reader.ended ? stored : undefined
}

function writeStamp(writer: OctetWriter, { url, tags, generation, position }: Stamp): void {
  writer.text(url)
  writer.texts(tags)
  writer.text(generation)
  writer.number(position)
}

function readStamp(reader: OctetReader): Stamp {
  const url = reader.text()
  const tags = reader.texts()
  const generation = internedText(reader.text())
  const position = reader.number()
  return { url, tags, generation, position, checked: position, startedAt: Number.NEGATIVE_INFINITY }
}

/** @returns whether it could be written */
function writeKind(writer: OctetWriter, stored: Stored): boolean {
  switch (stored.kind) {
    case 'response':
      return writeResponse(writer, stored)
    case 'value':
      writeTimes(writer, stored)
      return writeValue(writer, stored.value)
    case 'varies':
      writer.time(stored.askedAt)
      writer.texts(stored.on)
      writer.texts(stored.variants)
      writer.texts(stored.languages.flat())
      writer.time(stored.keepUntil)
      return true
    case 'unshareable':
      writer.time(stored.keepUntil)
      return true
  }
}

function readKind(reader: OctetReader, kind: Stored['kind'], stamp: Stamp): Stored {
  switch (kind) {
    case 'response':
      return new ResponseRecord({ ...stamp, ...readResponse(reader) })
    case 'value': {
      const times = readTimes(reader)
      const value = readValue(reader)
      return { kind, ...stamp, ...times, value, bytes: estimateBytes(value) }
    }
    case 'varies':
      return {
        kind,
        ...stamp,
        askedAt: reader.time(),
        on: reader.texts(),
        variants: reader.texts(),
        languages: pairs(reader),
        keepUntil: reader.time(),
      }
    case 'unshareable':
      return { kind, ...stamp, keepUntil: reader.time() }
  }
}

function pairs(reader: OctetReader): [name: string, key: string][] {
  const texts = reader.texts()
  reader.must(texts.length % 2 === 0)
  return Array.from({ length: texts.length >> 1 }, (_, at) => [texts[at * 2] ?? '', texts[at * 2 + 1] ?? ''])
}

function writeTimes(writer: OctetWriter, times: Order & Lifetime): void {
  writer.time(times.askedAt)
  writer.time(times.bornAt)
  writer.time(times.freshUntil)
  writer.time(times.refreshAt)
  writer.time(times.staleWhileRevalidateUntil)
  writer.time(times.staleIfErrorUntil)
  writer.time(times.keepUntil)
  writer.flag(times.mustRevalidate)
}

function readTimes(reader: OctetReader): Order & Lifetime {
  return {
    askedAt: reader.time(),
    bornAt: reader.time(),
    freshUntil: reader.time(),
    refreshAt: reader.time(),
    staleWhileRevalidateUntil: reader.time(),
    staleIfErrorUntil: reader.time(),
    keepUntil: reader.time(),
    mustRevalidate: reader.flag(),
  }
}

function writeResponse(writer: OctetWriter, response: StoredResponse): boolean {
  const { bytes } = response.body
  if (bytes === undefined) return false
  writeTimes(writer, response)
  writer.count(response.status)
  writer.texts(response.fields)
  writer.texts(response.varyOn)
  writer.texts(response.vary)
  writer.optional(response.partial, (partial) => writePartial(writer, partial))
  writer.bytes(bytes)
  return true
}

type OfResponse = Omit<StoredResponse, 'kind' | keyof Stamp>

function readResponse(reader: OctetReader): OfResponse {
  return {
    ...readTimes(reader),
    status: reader.count(),
    fields: interned(reader.texts()),
    varyOn: reader.texts(),
    vary: reader.texts(),
    partial: reader.optional(() => readPartial(reader)),
    body: Body.of(ownCopy(reader.bytes())),
  }
}

/** The octets read may be part of a larger buffer, or be overwritten later. */
function ownCopy(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  copy.set(bytes)
  return copy
}

function writePartial(writer: OctetWriter, partial: PartialContent): void {
  writer.count(partial.parts.length)
  for (const { first, last } of partial.parts) {
    writer.number(first)
    writer.number(last)
  }
  writer.optional(partial.complete, (complete) => writer.number(complete))
  writer.flag(partial.reachesEnd)
  writer.optional(partial.asked, (asked) => writer.text(asked))
  writer.optional(partial.contentRange, (contentRange) => writer.text(contentRange))
}

const RANGE_OCTETS = 16

function readPartial(reader: OctetReader): PartialContent {
  const parts: ByteRange[] = []
  for (let count = reader.length(RANGE_OCTETS); count > 0; count--) {
    parts.push({ first: reader.number(), last: reader.number() })
  }
  return {
    parts,
    complete: reader.optional(() => reader.number()),
    reachesEnd: reader.flag(),
    asked: reader.optional(() => reader.text()),
    contentRange: reader.optional(() => reader.text()),
  }
}
