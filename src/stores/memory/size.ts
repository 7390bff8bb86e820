import type { Fields } from '../../fields.ts'
import { isAlwaysInterned } from '../../interned.ts'
import type { PartialContent, Stored } from '../../model.ts'
import { BUFFER, SLOT, STRING } from '../value-size.ts'

/* Bytes of heap and buffers behind each part, measured as those in stores/value-size.ts are. */
const RECORD = 610
/** A response's times are in one list (response-record.ts). */
const RESPONSE_RECORD = 400
const PART = 80
const PROMISE = 48

/**
 * The memory a stored thing holds while it is in the memory store, in bytes: key, record, fields, tags, body. Strings
 * count one byte per character, which is how V8 keeps field values.
 */
export function bytesOf(key: string, stored: Stored): number {
  const shared = text(key) + text(stored.url) + texts(stored.tags)
  switch (stored.kind) {
    case 'response':
      return (
        RESPONSE_RECORD +
        shared +
        fieldTexts(stored.fields) +
        texts(stored.vary) +
        (stored.partial === undefined ? 0 : partBytes(stored.partial)) +
        BUFFER +
        (stored.body.bytes?.length ?? 0)
      )
    case 'value':
      return RECORD + shared + PROMISE + stored.bytes
    case 'varies':
      return (
        RECORD +
        shared +
        texts(stored.on) +
        texts(stored.variants) +
        stored.languages.length * PART +
        texts(stored.languages.flat())
      )
    case 'unshareable':
      return RECORD + shared
  }
}

/** The Range is the client's, and may be as long as a head. */
const partBytes = ({ parts, asked = '', contentRange = '' }: PartialContent): number =>
  PART * (1 + parts.length) + text(asked) + text(contentRange)

const text = (value: string): number => STRING + value.length

/** Common names do not count: they are shared with all other responses. */
function fieldTexts(fields: Fields): number {
  let sum = texts(fields)
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] ?? ''
    if (isAlwaysInterned(name)) sum -= text(name)
  }
  return sum
}

function texts(list: Fields | readonly string[]): number {
  let sum = list.length * SLOT
  for (const value of list) sum += text(value)
  return sum
}
