/** HTTP dates (RFC 9110 section 5.6.7), parsed as leniently as RFC 9111 section 4.2 asks of caches. */
import { memoized } from '../memoized.ts'

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const MONTH = `(?<month>${MONTHS.join('|')})`
const TIME = '(?<hour>\\d{2}):(?<minute>\\d{2}):(?<second>\\d{2})'
const DAY_NAME = '(?:mon|tue|wed|thu|fri|sat|sun)'
const LONG_DAY_NAME = '(?:mon|tues|wednes|thurs|fri|satur|sun)day'
// A cache also accepts the zone UTC, but no other (RFC 9111 section 4.2).
const ZONE = '(?:gmt|utc)'

/** A cache ignores letter case (RFC 9111 section 4.2). */
const IMF_FIXDATE = new RegExp(`^${DAY_NAME}, (?<day>\\d{2}) ${MONTH} (?<year>\\d{4}) ${TIME} ${ZONE}$`, 'i')
const OBSOLETE_FORMS = [
  new RegExp(`^${LONG_DAY_NAME}, (?<day>\\d{2})-${MONTH}-(?<year>\\d{2}) ${TIME} ${ZONE}$`, 'i'),
  new RegExp(`^${DAY_NAME} ${MONTH} (?<day>[ \\d]\\d) ${TIME} (?<year>\\d{4})$`, 'i'),
]

/** When RFC 9110 was published: close enough if the caller does not know the time. */
const SOME_TIME = Date.UTC(2022, 5)
const HALF_A_CENTURY_MS = 50 * 365.25 * 24 * 3_600_000

/**
 * Epoch milliseconds of an IMF-fixdate, RFC 850 date or asctime date; undefined if it is none of them.
 * @param reference epoch milliseconds; a two-digit year is taken to lie within 50 years of it
 */
export function parseDate(value: string | undefined, reference: number = SOME_TIME): number | undefined {
  if (value === undefined) return undefined
  return imfFixdate(value) ?? obsoleteDate(value, reference)
}

/** Memoized: messages of the same second have the same Date. Its year has four digits and needs no reference. */
const imfFixdate = memoized((value) => {
  const parts = IMF_FIXDATE.exec(value)?.groups
  return parts && instant(parts, SOME_TIME)
})

function obsoleteDate(value: string, reference: number): number | undefined {
  for (const form of OBSOLETE_FORMS) {
    const parts = form.exec(value)?.groups
    if (parts !== undefined) return instant(parts, reference)
  }
  return undefined
}

function instant(parts: Readonly<Record<string, string>>, reference: number): number | undefined {
  const { year = '', month = '', day = '', hour = '', minute = '', second = '' } = parts
  const clock = [Number(hour), Number(minute), Number(second)] as const
  // 60 is a leap second.
  if (clock[0] > 23 || clock[1] > 59 || clock[2] > 60) return undefined
  const at = (fullYear: number) => calendarDate(fullYear, MONTHS.indexOf(month.toLowerCase()), Number(day), clock)
  return year.length === 4 ? at(Number(year)) : nearest(Number(year), reference, at)
}

function calendarDate(
  year: number,
  month: number,
  day: number,
  [hour, minute, second]: readonly [number, number, number],
): number | undefined {
  // Date.UTC would read years below 100 as 19xx.
  if (year < 100) return undefined
  const midnight = new Date(Date.UTC(year, month, day))
  // Date.UTC turns a day that the month does not have into one of the next month.
  if (midnight.getUTCDate() !== day) return undefined
  return midnight.getTime() + ((hour * 60 + minute) * 60 + second) * 1000
}

/** The year with these last two digits that is at most 50 years away from the reference. */
function nearest(
  lastTwoDigits: number,
  reference: number,
  at: (year: number) => number | undefined,
): number | undefined {
  const year = Math.floor(new Date(reference).getUTCFullYear() / 100) * 100 + lastTwoDigits
  const guess = Date.UTC(year, 0)
  if (guess > reference + HALF_A_CENTURY_MS) return at(year - 100)
  return at(guess < reference - HALF_A_CENTURY_MS ? year + 100 : year)
}
