import { parseDate } from '../../../src/policy/fields/dates.ts'
import { must, mustEqual } from '../target.ts'

const EARLIEST = Date.UTC(100, 0)
const END = Date.UTC(10_000, 0)
/** Half a century, plus a year's tolerance for the calendar. */
const NEAR_MS = (50 * 365.25 + 366) * 86_400_000
const REFERENCES = [Date.UTC(1999, 11, 31), Date.UTC(2026, 10, 18), Date.UTC(2070, 0)] as const

/** Checks any text that may be a date (src/policy/fields/dates.ts). */
export function checkDate(value: string): 'date' | 'none' {
  const read = parseDate(value)
  if (read === undefined) {
    for (const reference of REFERENCES) must('what is no date is none at any time', isNone(value, reference), reference)
    return 'none'
  }
  must('a date is a whole second of the years 100 to 9999', read >= EARLIEST && read <= END && read % 1000 === 0, read)
  // A leap second at the end of 9999 falls in the year 10000, which has five digits.
  if (read < END) mustEqual('written as IMF-fixdate it is the same', parseDate(imf(read)), read)
  must('letter case does not matter', parseDate(value.toUpperCase()) === read)
  must('nothing may follow', parseDate(`${value}x`) === undefined && parseDate(`${value} `) === undefined)
  must('nothing may come before', parseDate(`x${value}`) === undefined)
  for (const reference of REFERENCES) {
    const there = parseDate(value, reference)
    const near = there !== undefined && Math.abs(there - reference) <= NEAR_MS
    const leap = there === undefined && isLeapDay(value)
    must('only a two-digit year depends on the time, and is near it', there === read || near || leap, there, reference)
  }
  return 'date'
}

/** 29 February of a two-digit year may exist in one century only. */
const isNone = (value: string, reference: number): boolean =>
  parseDate(value, reference) === undefined || isLeapDay(value)

const isLeapDay = (value: string): boolean => /29-feb/i.test(value)

const imf = (ms: number): string => new Date(ms).toUTCString()
