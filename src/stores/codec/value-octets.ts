/** Values of the library as octets: texts and bytes as they are, other plain data as JSON. */
import type { OctetReader, OctetWriter } from './octets.ts'

const FORM = { json: 0, text: 1, bytes: 2, buffer: 3, nothing: 4 } as const

/** @returns false when it is not plain data: a value that would be read back as something else is not written */
export function writeValue(writer: OctetWriter, value: unknown): boolean {
  if (value === undefined) {
    writer.octet(FORM.nothing)
  } else if (typeof value === 'string') {
    writer.octet(FORM.text)
    writer.text(value)
  } else if (value instanceof Uint8Array) {
    if (!isOf(Buffer.prototype, value) && !isOf(Uint8Array.prototype, value)) return false
    writer.octet(Buffer.isBuffer(value) ? FORM.buffer : FORM.bytes)
    writer.bytes(value)
  } else {
    const json = jsonOf(value)
    if (json === undefined) return false
    writer.octet(FORM.json)
    writer.text(json)
  }
  return true
}

export function readValue(reader: OctetReader): unknown {
  switch (reader.octet()) {
    case FORM.nothing:
      return undefined
    case FORM.text:
      return reader.text()
    case FORM.bytes:
      return Uint8Array.from(reader.bytes())
    case FORM.buffer:
      return Buffer.from(reader.bytes())
    case FORM.json:
      return parsed(reader)
    default:
      reader.must(false)
      return undefined
  }
}

/** Whether it is a direct instance of the class: what a subclass adds would be lost. */
function isOf(prototype: object, value: object): boolean {
  return Object.getPrototypeOf(value) === prototype
}

/**
 * Undefined when JSON cannot express it: cycles, big integers, NaN, dates, maps, functions, class instances. -0 is 0.
 */
function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value, checked)
  } catch {
    return undefined
  }
}

/** A replacer that changes nothing and rejects what is not plain data. `this` holds the member before `toJSON`. */
function checked(this: unknown, name: string, value: unknown): unknown {
  const member: unknown = (this as Readonly<Record<string, unknown>>)[name]
  if (member === undefined && !Array.isArray(this)) return undefined // an absent member is read as undefined, too
  if (!isPlain(member)) throw new TypeError('not plain data')
  return value
}

function isPlain(member: unknown): boolean {
  if (typeof member === 'number') return Number.isFinite(member)
  if (typeof member === 'string' || typeof member === 'boolean' || member === null) return true
  if (typeof member !== 'object' || Object.getOwnPropertySymbols(member).length > 0) return false
  if (isOf(Array.prototype, member)) return Object.keys(member).length === (member as unknown[]).length // indices only
  return isOf(Object.prototype, member) && !('toJSON' in member)
}

function parsed(reader: OctetReader): unknown {
  try {
    return JSON.parse(reader.text())
  } catch {
    reader.must(false)
    return undefined
  }
}
